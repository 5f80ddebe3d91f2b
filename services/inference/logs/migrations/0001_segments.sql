-- Write-ahead files that are in segments, or hold nothing; by their numbers. A row is the commit:
-- whoever finds one takes no notice of the file, and may delete it.
CREATE TABLE sealed (
    file bigint PRIMARY KEY,
    sealed_at timestamptz NOT NULL DEFAULT now()
);

-- Inferences of a pipeline as Parquet, in the blob `key`. Times are ms since 1970, and at most an
-- hour apart: reading by time relies on it.
CREATE TABLE segment (
    pipeline uuid NOT NULL,
    file bigint NOT NULL,
    part integer NOT NULL,
    workspace bigint NOT NULL,
    first_time bigint NOT NULL,
    last_time bigint NOT NULL,
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    key text NOT NULL,
    PRIMARY KEY (pipeline, file, part)
);
CREATE INDEX segment_by_first_time ON segment (pipeline, first_time, file, part);
CREATE INDEX segment_by_last_time ON segment (pipeline, last_time, file, part);
CREATE INDEX segment_by_age ON segment (last_time);

-- How much there is of a pipeline. `forgotten_until`: what is not later than that is to be read no
-- more, since a pipeline of that name was deleted then.
CREATE TABLE pipeline (
    pipeline uuid PRIMARY KEY,
    rows bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    forgotten_until bigint NOT NULL DEFAULT -1
);
CREATE INDEX pipeline_by_bytes ON pipeline (bytes);

-- Segments that hold inferences which a task run asked for, and how many rows of these.
CREATE TABLE segment_run (
    run uuid NOT NULL,
    pipeline uuid NOT NULL,
    file bigint NOT NULL,
    part integer NOT NULL,
    rows bigint NOT NULL,
    PRIMARY KEY (run, pipeline, file, part)
);
CREATE INDEX segment_run_by_segment ON segment_run (pipeline, file, part);

-- Blobs that no segment points at any more.
CREATE TABLE garbage (key text PRIMARY KEY);
