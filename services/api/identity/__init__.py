"""The embedded identity provider: users, their passwords, and the tokens they call with."""
