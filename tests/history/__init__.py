"""Reads a whole log and says which invariants it breaks, by rules of its own (see check.py)."""
