"""Walks over folders that others change meanwhile: what has gone is passed over."""

import os
from collections.abc import Iterator


def statuses(top: str | os.PathLike[str]) -> Iterator[os.stat_result]:
    """Of everything below `top` but folders; no link is followed."""
    ahead = [os.fspath(top)]
    while ahead:
        for entry in entries(ahead.pop()):
            try:
                if entry.is_dir(follow_symlinks=False):
                    ahead.append(entry.path)
                else:
                    yield entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue


def entries(folder: str | os.PathLike[str]) -> list[os.DirEntry[str]]:
    """What is in it; nothing if it is not there."""
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []
