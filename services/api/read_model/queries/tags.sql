-- name: find_tag
-- A tag by its number.
SELECT state FROM tag WHERE number = $1

-- name: tags_with_ids
-- Those of the ids $1.
SELECT state FROM tag WHERE id = ANY ($1::uuid[]) ORDER BY number

-- name: tag_page
-- The newest $3 that $1 has created or that are on something in the workspaces $2.
SELECT tag.state FROM (
    SELECT id FROM (SELECT id FROM tag WHERE created_by = $1 ORDER BY number DESC LIMIT $3) AS made
    UNION SELECT unnest(tags) FROM model_version
    WHERE workspace = ANY ($2) AND NOT deleted AND tags <> '{}'
    UNION SELECT unnest(tags) FROM pipeline
    WHERE workspace = ANY ($2) AND NOT deleted AND tags <> '{}') AS mine (id),
    LATERAL (SELECT state, number FROM tag WHERE tag.id = mine.id LIMIT 1) AS tag
ORDER BY number DESC LIMIT $3

-- name: all_tags
-- The newest $1, for whoever sees all.
SELECT state FROM tag ORDER BY number DESC LIMIT $1
