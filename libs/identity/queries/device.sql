-- name: delete_expired_devices
-- Those that have waited for too long.
DELETE FROM device WHERE expires_at < now()

-- name: count_devices
-- How many wait.
SELECT count(*) FROM device

-- name: create_device
-- A device with the digest $1 waits under the code $2 for so long.
INSERT INTO device (code, user_code, expires_at) VALUES ($1, $2, now() + $3)

-- name: approve_device
-- The user $2 signs in on the device that waits under the code $1.
UPDATE device SET account = $2
WHERE user_code = $1 AND account IS NULL AND expires_at >= now() RETURNING user_code

-- name: take_account
-- Who has signed in on the device $1, given once.
DELETE FROM device WHERE code = $1 AND account IS NOT NULL AND expires_at >= now()
RETURNING account

-- name: poll_device
-- How long ago the device $1 asked before.
UPDATE device SET polled_at = now() FROM device AS before
WHERE device.code = $1 AND before.code = $1 AND device.expires_at >= now()
RETURNING now() - before.polled_at AS since
