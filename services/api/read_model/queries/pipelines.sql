-- part: live
-- Neither it nor its pipeline is deleted. A pipeline that is created again under the name of a deleted one
-- has its id, but not its versions.
NOT pipeline_version.deleted AND EXISTS (
        SELECT FROM pipeline WHERE pipeline.id = pipeline_version.pipeline AND NOT pipeline.deleted
            AND pipeline.number < pipeline_version.number)

-- name: find_pipeline
-- A pipeline by its number, with the workspace that it is in.
SELECT pipeline.state, workspace.state
FROM pipeline JOIN workspace ON workspace.id = pipeline.workspace
WHERE number = $1 AND NOT deleted

-- name: find_pipeline_with_id
-- A pipeline by its id, which is of its name, with the workspace that it is in.
SELECT pipeline.state, workspace.state
FROM pipeline JOIN workspace ON workspace.id = pipeline.workspace
WHERE pipeline.id = $1 AND NOT deleted

-- name: pipelines_with_ids
-- Those of the ids $1 that are not deleted, or all of them.
SELECT state FROM pipeline WHERE id = ANY ($1::uuid[]) AND (NOT deleted OR $2)

-- name: pipeline_page
-- The newest $3 of the workspaces $1 that are older than $2.
SELECT newest.state FROM unnest($1::bigint[]) AS mine (id), LATERAL (
    SELECT state, number FROM pipeline
    WHERE workspace = mine.id AND NOT deleted AND number < $2
    ORDER BY number DESC LIMIT $3) AS newest
ORDER BY newest.number DESC LIMIT $3

-- name: pipeline_numbers
-- The newest $2 of each of the workspaces $1.
SELECT mine.id AS workspace, newest.number FROM unnest($1::bigint[]) AS mine (id), LATERAL (
    SELECT number FROM pipeline WHERE workspace = mine.id AND NOT deleted
    ORDER BY number DESC LIMIT $2) AS newest
ORDER BY newest.number

-- name: search_pipelines
-- The newest $4 of the workspaces $1 that are older than $2 and have a version whose title, or a tag
-- whose title, holds $3.
SELECT newest.state FROM unnest($1::bigint[]) AS mine (id), LATERAL (
    SELECT state, number FROM pipeline
    WHERE workspace = mine.id AND NOT deleted AND number < $2 AND (EXISTS (
        SELECT FROM pipeline_version AS version
        WHERE version.pipeline = pipeline.id AND NOT version.deleted
            AND version.number > pipeline.number AND strpos(version.title, $3) > 0)
        OR EXISTS (
            SELECT FROM tag WHERE id = ANY (pipeline.tags) AND strpos(tag.title, $3) > 0))
    ORDER BY number DESC LIMIT $4) AS newest
ORDER BY newest.number DESC LIMIT $4

-- name: pipelines_named
-- Those of a name in the workspaces $2.
SELECT state FROM pipeline WHERE name = $1 AND NOT deleted AND workspace = ANY ($2)
ORDER BY number DESC

-- name: pipelines_with_tag
-- The newest $3 in the workspaces $2 that have the tag $1.
SELECT state FROM pipeline
WHERE tags @> ARRAY[$1::uuid] AND NOT deleted AND workspace = ANY ($2)
ORDER BY number DESC LIMIT $3

-- name: find_pipeline_version
-- A pipeline version by its number, with the workspace that it is in.
SELECT pipeline_version.state, workspace.state
FROM pipeline_version JOIN workspace ON workspace.id = pipeline_version.workspace
WHERE number = $1 AND {live}

-- name: find_pipeline_version_with_id
-- A pipeline version by its id, with the workspace that it is in.
SELECT pipeline_version.state, workspace.state
FROM pipeline_version JOIN workspace ON workspace.id = pipeline_version.workspace
WHERE pipeline_version.id = $1 AND {live}

-- name: find_served_version
-- A pipeline version by its id, deleted or not.
SELECT state FROM pipeline_version WHERE id = $1

-- name: versions_of_pipelines
-- The newest $2 versions of each of the pipelines $1.
SELECT newest.state FROM unnest($1::uuid[]) AS wanted (id), LATERAL (
    SELECT state, number FROM pipeline_version
    WHERE pipeline = wanted.id AND NOT deleted
        AND number > (SELECT number FROM pipeline WHERE id = wanted.id AND NOT deleted)
    ORDER BY number DESC LIMIT $2) AS newest
ORDER BY newest.number DESC

-- name: search_pipeline_versions
-- The newest $6 of the workspaces $1 that are older than $2, were created from $4 to $5, whose title,
-- or that of a tag on their pipeline, holds $3; and whose pipeline is deployed or not, as $7 says,
-- where it is not null.
SELECT newest.state FROM unnest($1::bigint[]) AS mine (id), LATERAL (
    SELECT state, number FROM pipeline_version
    WHERE workspace = mine.id AND number < $2 AND created BETWEEN $4 AND $5 AND {live}
        AND (strpos(title, $3) > 0 OR EXISTS (
            SELECT FROM pipeline JOIN tag ON tag.id = ANY (pipeline.tags)
            WHERE pipeline.id = pipeline_version.pipeline AND strpos(tag.title, $3) > 0))
        AND ($7::boolean IS NULL OR $7 = EXISTS (
            SELECT FROM deployment
            WHERE deployment.pipeline = pipeline_version.pipeline AND deployed))
    ORDER BY number DESC LIMIT $6) AS newest
ORDER BY newest.number DESC LIMIT $6
