"""Secrets at rest: sealed texts, a key for each, and the ring of keys that protects those keys."""
