-- name: find_deployment
-- A deployment by its number, with the workspace that it is in.
SELECT deployment.state, workspace.state
FROM deployment JOIN workspace ON workspace.id = deployment.workspace
WHERE number = $1

-- name: find_deployment_with_pipeline
-- A deployment by its number, with its pipeline, deleted or not, and the workspace that it is in.
SELECT deployment.state, pipeline.state, workspace.state
FROM deployment
JOIN pipeline ON pipeline.id = deployment.pipeline
JOIN workspace ON workspace.id = deployment.workspace
WHERE deployment.number = $1

-- name: deployments_with_ids
-- Those of the ids $1, deployed or not.
SELECT state FROM deployment WHERE id = ANY ($1::uuid[])

-- name: deployed_page
-- The newest $3 of the workspaces $1 that are deployed and older than $2.
SELECT newest.state FROM unnest($1::bigint[]) AS mine (id), LATERAL (
    SELECT state, number FROM deployment
    WHERE workspace = mine.id AND deployed AND number < $2
    ORDER BY number DESC LIMIT $3) AS newest
ORDER BY newest.number DESC LIMIT $3

-- name: deployments_of_model_versions
-- The deployments that have one of the model versions $1.
SELECT state FROM deployment WHERE models && $1::uuid[] AND deployed ORDER BY number
