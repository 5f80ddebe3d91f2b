-- A projection: a row a subscription; `state` is the domain's state as JSON.
CREATE TABLE subscription (
    id uuid PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    workspace bigint NOT NULL,
    kind text NOT NULL,
    start bigint NOT NULL, -- it is told of what comes after this place in the log
    idle boolean NOT NULL, -- paused or deleted
    deleted boolean NOT NULL
);
CREATE INDEX ON subscription (workspace, created_seq) WHERE NOT deleted;

-- What follows is no projection: what became of deliveries is in no log.

-- How far a webhook has got, and which copy of the service delivers for it until when.
-- `tries` and the rest are of the event that it is stuck at.
CREATE TABLE cursor (
    subscription uuid PRIMARY KEY,
    seq bigint NOT NULL,
    holder uuid,
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    tries integer NOT NULL DEFAULT 0,
    first_try timestamptz,
    next_try timestamptz
);
CREATE INDEX ON cursor (holder);

-- The last attempts, good and bad; `status` is what the receiver answered, if it did.
CREATE TABLE delivery (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription uuid NOT NULL,
    seq bigint NOT NULL,
    event text NOT NULL,
    type text NOT NULL,
    at timestamptz NOT NULL,
    attempt integer NOT NULL,
    milliseconds integer NOT NULL,
    status integer,
    problem text NOT NULL
);
CREATE INDEX ON delivery (subscription, id);

-- Events that were given up on.
CREATE TABLE dead_letter (
    subscription uuid NOT NULL,
    seq bigint NOT NULL,
    event text NOT NULL,
    type text NOT NULL,
    at timestamptz NOT NULL,
    attempts integer NOT NULL,
    problem text NOT NULL,
    PRIMARY KEY (subscription, seq)
);
