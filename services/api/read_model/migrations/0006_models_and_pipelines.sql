-- What the wire names by an integer.
CREATE INDEX ON model (number);
CREATE INDEX ON model_version (number);
CREATE INDEX ON model_version USING gin (configs);
CREATE INDEX ON pipeline (number);
CREATE INDEX ON pipeline_version (number);
CREATE INDEX ON deployment (number);
CREATE INDEX ON tag (number);
-- Lists of a workspace, newest first; searches go along them.
CREATE INDEX ON model (workspace, number) WHERE NOT deleted;
CREATE INDEX ON model_version (workspace, number) WHERE NOT deleted;
CREATE INDEX ON pipeline (workspace, number) WHERE NOT deleted;
CREATE INDEX ON pipeline_version (workspace, number) WHERE NOT deleted;
CREATE INDEX ON deployment (workspace, number) WHERE deployed;
CREATE INDEX ON tag (created_by, number);
-- By name in several workspaces; in one, the id is of the name.
CREATE INDEX ON model (name) WHERE NOT deleted;
CREATE INDEX ON pipeline (name) WHERE NOT deleted;
-- Versions of a thing, newest first.
CREATE INDEX ON model_version (model, number) WHERE NOT deleted;
CREATE INDEX ON pipeline_version (pipeline, number) WHERE NOT deleted;
-- What has a tag, what has any, and what serves a model.
CREATE INDEX ON model_version (workspace) WHERE NOT deleted AND tags <> '{}';
CREATE INDEX ON pipeline (workspace) WHERE NOT deleted AND tags <> '{}';
CREATE INDEX ON model_version USING gin (tags) WHERE NOT deleted;
CREATE INDEX ON pipeline USING gin (tags) WHERE NOT deleted;
CREATE INDEX ON deployment USING gin (models) WHERE deployed;
CREATE INDEX ON deployment (pipeline) WHERE deployed;
