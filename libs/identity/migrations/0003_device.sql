-- Logins of devices that wait for somebody to sign in elsewhere (RFC 8628). The device's code is
-- kept as its SHA-256 only: who reads this table can't pick up anybody's login.
CREATE TABLE device (
    code bytea PRIMARY KEY,
    user_code text NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL,
    polled_at timestamptz NOT NULL DEFAULT 'epoch',
    account uuid
);
