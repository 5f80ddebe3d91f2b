-- name: start_session
-- A browser whose cookie has the digest $1 is signed in for so long.
INSERT INTO browser_session (digest, account, expires_at) VALUES ($1, $2, now() + $3)

-- name: find_session_user
-- Whose browser it is, unless their tokens have been ended since.
SELECT session.account FROM browser_session AS session
JOIN account ON account.id = session.account
WHERE digest = $1 AND expires_at >= now() AND session.created_at >= tokens_from

-- name: end_session
-- The browser is signed out.
DELETE FROM browser_session WHERE digest = $1

-- name: delete_expired_sessions
-- Those that nobody can use.
DELETE FROM browser_session WHERE expires_at < now()
