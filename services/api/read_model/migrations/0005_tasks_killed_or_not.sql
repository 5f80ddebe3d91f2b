-- Lists have the tasks that are killed, or those that are not: few of the ones among many of the
-- others are found at once.
CREATE INDEX ON task (workspace, created_seq) WHERE status <> 'killed';
CREATE INDEX ON task (workspace, created_seq) WHERE status = 'killed';
CREATE INDEX ON task (orchestration, created_seq) WHERE status <> 'killed';
CREATE INDEX ON task (orchestration, created_seq) WHERE status = 'killed';
