-- Whose account it is: '' for our own, else the OpenID issuer that vouches for this user.
ALTER TABLE account ADD COLUMN issuer text NOT NULL DEFAULT '';
