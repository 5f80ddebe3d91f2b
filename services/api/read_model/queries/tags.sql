-- name: find_tag
-- A tag by its number.
SELECT state FROM tag WHERE number = $1

-- name: tags_with_ids
-- Those of the ids $1.
SELECT state FROM tag WHERE id = ANY ($1::uuid[]) ORDER BY number

-- part: on_something
-- Whether a row of `tag` is on anything. EXISTS would be planned as a search through all that there
-- is, in the hope of an early find.
(SELECT count(*) FROM model_version WHERE tags @> ARRAY[tag.id] AND NOT deleted)
    + (SELECT count(*) FROM pipeline WHERE tags @> ARRAY[tag.id] AND NOT deleted) > 0

-- name: is_on_something
-- Whether the tag $1 is on anything, in whichever workspace.
SELECT {on_something} FROM (VALUES ($1::uuid)) AS tag (id)

-- name: tag_page
-- The newest $3 that are on something in the workspaces $2 or that $1 has created; of the latter
-- only those that are on nothing, if $4 says so.
SELECT tag.state FROM (
    SELECT id FROM (
        SELECT id FROM tag WHERE created_by = $1 AND NOT ($4::boolean AND ({on_something}))
        ORDER BY number DESC LIMIT $3) AS made
    UNION SELECT unnest(tags) FROM model_version
    WHERE workspace = ANY ($2) AND NOT deleted AND tags <> '{}'
    UNION SELECT unnest(tags) FROM pipeline
    WHERE workspace = ANY ($2) AND NOT deleted AND tags <> '{}') AS mine (id),
    LATERAL (SELECT state, number FROM tag WHERE tag.id = mine.id LIMIT 1) AS tag
ORDER BY number DESC LIMIT $3

-- name: all_tags
-- The newest $1, for whoever sees all.
SELECT state FROM tag ORDER BY number DESC LIMIT $1
