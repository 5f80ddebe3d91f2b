-- part: user
-- What a `User` is made of, in the order of its fields.
id, email, username, admin, enabled, created_at

-- name: create_user
-- A user $1 with the email $2, under the name $3 as long as that is free. No row: it is taken.
INSERT INTO account (id, email, username, password, admin)
SELECT $1, $2, CASE WHEN EXISTS (
    SELECT FROM account WHERE lower(username) = lower($3)) THEN $2 ELSE $3 END, $4, $5
ON CONFLICT DO NOTHING RETURNING {user}

-- name: create_vouched_user
-- A user whom the issuer $4 vouches for, unless the id or the email is taken.
INSERT INTO account (id, email, username, password, admin, issuer)
VALUES ($1, $2, $2, '', $3, $4) ON CONFLICT DO NOTHING

-- name: has_administrator
-- Whether anybody is one, enabled or not.
SELECT EXISTS (SELECT FROM account WHERE admin)

-- name: has_enabled_administrator
-- Whether anybody is left to administer the platform.
SELECT EXISTS (SELECT FROM account WHERE admin AND enabled)

-- Changes of one user give the user as they are then. Tokens name the whole second in which they
-- were issued, so those who lose theirs lose all of this second.

-- name: enable_user
-- They may log in again.
UPDATE account SET enabled = true WHERE id = $1 RETURNING {user}

-- name: disable_user
-- They may not, and their tokens end.
UPDATE account SET enabled = false,
    tokens_from = date_trunc('second', now()) + interval '1 second'
WHERE id = $1 RETURNING {user}

-- name: set_admin
-- Whether they are an administrator.
UPDATE account SET admin = $2 WHERE id = $1 RETURNING {user}

-- name: set_vouched_admin
-- Whether they are an administrator, as their issuer $2 says.
UPDATE account SET admin = $3 WHERE id = $1 AND issuer = $2 AND admin <> $3

-- name: set_password
-- Their password's hash; their tokens end.
UPDATE account SET password = $2,
    tokens_from = date_trunc('second', now()) + interval '1 second'
WHERE id = $1 RETURNING {user}

-- name: tokens_from
-- Since when their tokens are good.
SELECT tokens_from FROM account WHERE id = $1

-- name: find_enabled_user
-- Who may call, from when on their tokens are good, and who vouches for them.
SELECT {user}, tokens_from, issuer FROM account WHERE id = $1 AND enabled

-- name: find_user_by_email
-- A user, enabled or not.
SELECT {user} FROM account WHERE lower(email) = lower($1)

-- name: find_users
-- The users $1, enabled or not.
SELECT {user} FROM account WHERE id = ANY ($1) ORDER BY lower(email)

-- name: all_users
-- Every user, enabled or not.
SELECT {user} FROM account ORDER BY lower(email)

-- name: find_login
-- The enabled user whose email or else whose name is $1, and their password's hash.
SELECT {user}, password FROM (
    SELECT * FROM account WHERE lower(email) = lower($1)
    UNION ALL
    SELECT * FROM account WHERE lower(username) = lower($1)) AS named
WHERE enabled ORDER BY lower(email) = lower($1) DESC LIMIT 1
