"""Letting clients into NATS: the key that the server trusts, and what is signed with it."""
