"""Blobs: uploaded archives, locks, environments. One contract (store.py), a folder or a bucket."""
