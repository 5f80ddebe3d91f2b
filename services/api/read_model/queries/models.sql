-- part: live
-- Neither it nor its model is deleted. A model that is created again under the name of a deleted one
-- has its id, but not its versions.
NOT model_version.deleted AND EXISTS (
        SELECT FROM model WHERE model.id = model_version.model AND NOT model.deleted
            AND model.number < model_version.number)

-- name: find_model
-- A model by its number, with the workspace that it is in.
SELECT model.state, workspace.state
FROM model JOIN workspace ON workspace.id = model.workspace
WHERE number = $1 AND NOT deleted

-- name: find_model_with_id
-- A model by its id, which is of its name, with the workspace that it is in.
SELECT model.state, workspace.state
FROM model JOIN workspace ON workspace.id = model.workspace
WHERE model.id = $1 AND NOT deleted

-- name: models_with_ids
-- Those of the ids $1 that are not deleted.
SELECT state FROM model WHERE id = ANY ($1::uuid[]) AND NOT deleted

-- name: model_page
-- The newest $3 of the workspaces $1 that are older than $2.
SELECT newest.state FROM unnest($1::bigint[]) AS mine (id), LATERAL (
    SELECT state, number FROM model
    WHERE workspace = mine.id AND NOT deleted AND number < $2
    ORDER BY number DESC LIMIT $3) AS newest
ORDER BY newest.number DESC LIMIT $3

-- name: model_numbers
-- The newest $2 of each of the workspaces $1.
SELECT mine.id AS workspace, newest.number FROM unnest($1::bigint[]) AS mine (id), LATERAL (
    SELECT number FROM model WHERE workspace = mine.id AND NOT deleted
    ORDER BY number DESC LIMIT $2) AS newest
ORDER BY newest.number

-- name: search_models
-- The newest $4 of the workspaces $1 that are older than $2 and have a version whose title, or that
-- of a tag on it, holds $3.
SELECT newest.state FROM unnest($1::bigint[]) AS mine (id), LATERAL (
    SELECT state, number FROM model
    WHERE workspace = mine.id AND NOT deleted AND number < $2 AND EXISTS (
        SELECT FROM model_version AS version
        WHERE version.model = model.id AND NOT version.deleted AND version.number > model.number
            AND (strpos(version.title, $3) > 0 OR EXISTS (
                SELECT FROM tag WHERE id = ANY (version.tags) AND strpos(tag.title, $3) > 0)))
    ORDER BY number DESC LIMIT $4) AS newest
ORDER BY newest.number DESC LIMIT $4

-- name: models_named
-- Those of a name in the workspaces $2.
SELECT state FROM model WHERE name = $1 AND NOT deleted AND workspace = ANY ($2)
ORDER BY number DESC

-- name: find_model_version
-- A model version by its number, with the workspace that it is in.
SELECT model_version.state, workspace.state
FROM model_version JOIN workspace ON workspace.id = model_version.workspace
WHERE number = $1 AND {live}

-- name: find_model_version_with_config
-- The model version that has the config of a number, with the workspace that it is in.
SELECT model_version.state, workspace.state
FROM model_version JOIN workspace ON workspace.id = model_version.workspace
WHERE configs @> ARRAY[$1::bigint] AND {live}

-- name: model_versions_with_ids
-- Those of the ids $1.
SELECT state FROM model_version WHERE id = ANY ($1::uuid[]) AND {live}

-- name: versions_of_models
-- The newest $2 versions of each of the models $1.
SELECT newest.state FROM unnest($1::uuid[]) AS wanted (id), LATERAL (
    SELECT state, number FROM model_version
    WHERE model = wanted.id AND NOT deleted
        AND number > (SELECT number FROM model WHERE id = wanted.id AND NOT deleted)
    ORDER BY number DESC LIMIT $2) AS newest
ORDER BY newest.number DESC

-- name: versions_deleted_with_model
-- Of the model $1, which was deleted, the newest $3 versions from before $2.
SELECT state FROM model_version WHERE model = $1 AND NOT deleted AND number < $2
ORDER BY number DESC LIMIT $3

-- name: model_versions_with_tag
-- The newest $3 in the workspaces $2 that have the tag $1.
SELECT state FROM model_version
WHERE tags @> ARRAY[$1::uuid] AND workspace = ANY ($2) AND {live}
ORDER BY number DESC LIMIT $3

-- name: search_model_versions
-- The newest $6 of the workspaces $1 that are older than $2, were uploaded from $4 to $5, and whose
-- title, or that of a tag on them, holds $3.
SELECT newest.state FROM unnest($1::bigint[]) AS mine (id), LATERAL (
    SELECT state, number FROM model_version
    WHERE workspace = mine.id AND number < $2 AND created BETWEEN $4 AND $5 AND {live}
        AND (strpos(title, $3) > 0 OR EXISTS (
            SELECT FROM tag WHERE id = ANY (model_version.tags) AND strpos(tag.title, $3) > 0))
    ORDER BY number DESC LIMIT $6) AS newest
ORDER BY newest.number DESC LIMIT $6
