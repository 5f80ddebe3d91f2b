"""Walks over folders that others change meanwhile: what has gone is passed over."""

import os
from collections.abc import Iterator


def statuses(top: str | os.PathLike[str]) -> Iterator[os.stat_result]:
    """The status of everything below `top` but folders; no link is followed."""
    stack = [os.fspath(top)]
    while stack:
        for entry in entries(stack.pop()):
            try:
                if entry.is_dir(follow_symlinks=False):
                    stack.append(entry.path)
                else:
                    yield entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue


def entries(folder: str | os.PathLike[str]) -> list[os.DirEntry[str]]:
    """The entries of a folder; none if it does not exist."""
    try:
        with os.scandir(folder) as listing:
            return list(listing)
    except (FileNotFoundError, NotADirectoryError):
        return []
