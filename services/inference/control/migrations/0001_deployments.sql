-- What is deployed, so that a start need not read the whole log. `state` is the aggregate as
-- msgpack, `seq` the place of its last event.
CREATE TABLE deployment (id uuid PRIMARY KEY, seq bigint NOT NULL, state bytea NOT NULL);
