-- part: active
-- The webhooks that are delivered to. (As an array: a join with them may be planned as reading all
-- cursors.)
ARRAY (SELECT id FROM subscription WHERE kind = 'webhook' AND NOT idle)

-- part: cursor_columns
-- What Cursor is made of.
subscription, seq, tries, first_try, next_try

-- part: dead_letter_columns
-- What DeadLetter is made of.
seq AS sequence, event, type, at, attempts, problem

-- name: begin_cursors
-- Of webhooks that are new.
INSERT INTO cursor (subscription, seq)
SELECT id, start FROM subscription WHERE kind = 'webhook' AND NOT idle
ON CONFLICT DO NOTHING

-- name: claim
-- Leases for the holder $1, its own and those that lapsed, for $2 seconds.
UPDATE cursor SET holder = $1, held_until = now() + $2 * interval '1 second'
WHERE subscription = ANY ({active}) AND (holder = $1 OR held_until < now())
RETURNING {cursor_columns}

-- name: release
-- All leases of a holder.
UPDATE cursor SET held_until = '-infinity' WHERE holder = $1

-- name: find_cursors
-- Those of these subscriptions that there are.
SELECT {cursor_columns} FROM cursor WHERE subscription = ANY ($1::uuid[])

-- name: slowest
-- The place of the webhook that is behind the most.
SELECT min(seq) FROM cursor WHERE subscription = ANY ({active})

-- name: move_cursor
-- Forward, and only by its holder $2.
UPDATE cursor SET seq = $3, tries = $4, first_try = $5, next_try = $6
WHERE subscription = $1 AND holder = $2 AND seq <= $3

-- What is written of a delivery holds on to the cursor, which forgetting deletes first: so nothing
-- comes in after that.

-- name: insert_attempt
-- An attempt, if its subscription is not forgotten.
INSERT INTO delivery (subscription, seq, event, type, at, attempt, milliseconds, status, problem)
SELECT subscription, $2, $3, $4, $5, $6, $7, $8, $9 FROM cursor WHERE subscription = $1
FOR KEY SHARE

-- name: insert_dead_letter
-- A dead letter, if its subscription is not forgotten.
INSERT INTO dead_letter (subscription, seq, event, type, at, attempts, problem)
SELECT subscription, $2, $3, $4, $5, $6, $7 FROM cursor WHERE subscription = $1
FOR KEY SHARE
ON CONFLICT DO NOTHING

-- name: last_deliveries
-- The last $2 attempts of a subscription, the newest first.
SELECT seq AS sequence, event, type, at, attempt, milliseconds, status, problem
FROM delivery WHERE subscription = $1 ORDER BY id DESC LIMIT $2

-- name: dead_letters_of
-- The first $2 of a subscription, in the order of their events.
SELECT {dead_letter_columns} FROM dead_letter WHERE subscription = $1 ORDER BY seq LIMIT $2

-- name: find_dead_letter
-- Of the event $2.
SELECT {dead_letter_columns} FROM dead_letter WHERE subscription = $1 AND seq = $2

-- name: count_dead_letters
-- Of all subscriptions.
SELECT count(*) FROM dead_letter

-- name: discard_dead_letter
-- Of the event $2; says whether there was one.
DELETE FROM dead_letter WHERE subscription = $1 AND seq = $2 RETURNING true

-- name: prune_deliveries
-- All of a subscription but the last $2.
DELETE FROM delivery WHERE subscription = $1 AND id <= (
    SELECT id FROM delivery WHERE subscription = $1 ORDER BY id DESC OFFSET $2 LIMIT 1)

-- Of a subscription that is deleted, in this order:

-- name: forget_cursor
-- How far it got.
DELETE FROM cursor WHERE subscription = $1

-- name: forget_deliveries
-- Its attempts.
DELETE FROM delivery WHERE subscription = $1

-- name: forget_dead_letters
-- Its dead letters.
DELETE FROM dead_letter WHERE subscription = $1
