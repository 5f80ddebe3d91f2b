-- The timeline draws some tasks' runs of a window of time, however many runs others had in it.
CREATE INDEX ON run (task, begun);
