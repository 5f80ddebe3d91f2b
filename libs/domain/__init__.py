"""What Rondo is about, as pure values and functions: no clock, no randomness, no I/O.

Each aggregate has one file: its state, how events change it, and the decisions it takes.
"""
