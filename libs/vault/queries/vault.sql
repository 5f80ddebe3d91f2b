-- name: insert_key
-- The data key of an owner who has none.
INSERT INTO data_key (owner, wrapped) VALUES ($1, $2)

-- name: insert_key_or_keep
-- The data key of an owner; gives the one that there is then.
INSERT INTO data_key (owner, wrapped) VALUES ($1, $2)
ON CONFLICT (owner) DO UPDATE SET owner = excluded.owner RETURNING wrapped

-- name: find_key
-- The data key of an owner.
SELECT wrapped FROM data_key WHERE owner = $1

-- name: delete_keys
-- The data keys of some owners, for good.
DELETE FROM data_key WHERE owner = ANY ($1)

-- name: all_keys
-- Every data key, to wrap those anew that an older key has wrapped.
SELECT owner, wrapped FROM data_key

-- name: rewrap_key
-- A data key that is still there as it was ($2), wrapped anew ($3).
UPDATE data_key SET wrapped = $3 WHERE owner = $1 AND wrapped = $2 RETURNING true
