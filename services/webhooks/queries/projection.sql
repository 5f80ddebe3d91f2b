-- name: read_subscription
-- The state, deleted or not, to fold the next event on it.
SELECT state FROM subscription WHERE id = $1

-- name: write_subscription
-- One that is new or changed; not over a newer state.
INSERT INTO subscription
    (id, created_seq, updated_seq, state, workspace, kind, start, idle, deleted)
VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (id) DO UPDATE SET
    updated_seq = excluded.updated_seq, state = excluded.state,
    idle = excluded.idle, deleted = excluded.deleted
WHERE subscription.updated_seq < excluded.updated_seq

-- name: find_subscription
-- By its id, if it is not deleted.
SELECT state FROM subscription WHERE id = $1 AND NOT deleted

-- name: subscriptions_of
-- Of these workspaces, oldest first.
SELECT state FROM subscription WHERE NOT deleted AND workspace = ANY ($1::bigint[])
ORDER BY created_seq

-- name: all_subscriptions
-- Of all workspaces, oldest first.
SELECT state FROM subscription WHERE NOT deleted ORDER BY created_seq

-- name: deleted_subscriptions
-- Their ids, in no order.
SELECT id FROM subscription WHERE deleted
