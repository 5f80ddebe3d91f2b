-- part: token
-- What a `ServiceToken` is made of, in the order of its fields.
id, name, owner, workspaces, created_at, expires_at, revoked_at

-- name: create_token
-- A token, of which only the digest $2 is kept.
INSERT INTO service_token (id, digest, name, owner, workspaces, expires_at)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING {token}

-- name: tokens_of_owner
-- Those of the user $1.
SELECT {token} FROM service_token WHERE owner = $1 ORDER BY created_at

-- name: all_tokens
-- Everybody's.
SELECT {token} FROM service_token ORDER BY created_at

-- name: find_token
-- A token by its id.
SELECT {token} FROM service_token WHERE id = $1

-- name: find_good_token
-- The token with the digest $1, if it is good now.
SELECT {token} FROM service_token
WHERE digest = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())

-- name: revoke_token
-- It is good no longer; once more changes nothing.
UPDATE service_token SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING {token}
