-- Tokens that were issued before this instant are good no longer: a new password, a disabled user.
ALTER TABLE account ADD COLUMN tokens_from timestamptz NOT NULL DEFAULT 'epoch';
