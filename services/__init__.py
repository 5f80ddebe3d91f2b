"""The six programs of the platform, each started as `python -m services.<name>`."""
