"""Bytecode that was compiled once, for every environment that has the same file.

An environment's sources are links to files in uv's cache. Kept are a link to such a file and one to
what was compiled of it, named by its inode: while the link is there no other file can have that
number, so what is found under it was compiled of this very file, whatever packages say of theirs.
A file of another Python's syntax is kept alone: it has no bytecode, and need not be tried again.
"""

import os
import py_compile
import sys
from collections.abc import Iterator
from pathlib import Path

_SUFFIX = f".{sys.implementation.cache_tag}.pyc"
_UVS_OWN = "_virtualenv.py"  # written into each environment, so compiled in each


class Bytecode:
    """Kept in `folder`, on the file system of the environments."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = str(folder)

    def put_into(self, environment: Path) -> bool:
        """Links what is kept; says whether there are sources of which nothing is known."""
        unknown = 0
        for directory, sources in _sources(environment / "lib"):
            cache = f"{directory}/__pycache__"
            _make(cache, directory)
            for source in sources:
                kept = f"{self._folder}/{source.inode()}"
                if not _linked(f"{kept}.pyc", _compiled(source)):
                    if source.name == _UVS_OWN:
                        py_compile.compile(source.path)
                    else:
                        unknown += not os.path.exists(f"{kept}.py")
        return unknown > 0

    def keep(self, environment: Path) -> None:
        """Of its sources that are shared with others."""
        for _, sources in _sources(environment / "lib"):
            for source in sources:
                if source.stat(follow_symlinks=False).st_nlink > 1:
                    kept = f"{self._folder}/{source.inode()}"
                    # In this order: bytecode is only found beside a file that is held.
                    _linked(source.path, f"{kept}.py")
                    _linked(_compiled(source), f"{kept}.pyc")

    def unused(self) -> list[os.DirEntry[str]]:
        """What no environment has any more, bytecode and the files that it was compiled of."""
        with os.scandir(self._folder) as entries:
            found = {entry.name: entry for entry in entries}
        lonely = [
            name.removesuffix(".pyc")
            for name, entry in found.items()
            if name.endswith(".pyc") and entry.stat().st_nlink == 1
        ]
        return [found[name + end] for name in lonely for end in (".pyc", ".py")]


def _sources(folder: Path) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """Each directory that has any, with its sources."""
    waiting = [str(folder)]
    while waiting:
        directory = waiting.pop()
        sources = []
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != "__pycache__":
                        waiting.append(entry.path)
                elif entry.name.endswith(".py") and entry.is_file(follow_symlinks=False):
                    sources.append(entry)
        if sources:
            yield directory, sources


def _compiled(source: os.DirEntry[str]) -> str:
    directory, _, name = source.path.rpartition("/")
    return f"{directory}/__pycache__/{name.removesuffix('.py')}{_SUFFIX}"


def _make(cache: str, directory: str) -> None:
    """As the owner of what is in it would."""
    if not os.path.isdir(cache):
        os.mkdir(cache)
        owner = os.stat(directory)
        os.chown(cache, owner.st_uid, owner.st_gid)


def _linked(source: str, link: str) -> bool:
    """Whether there is something at `link` now, `source` if there was nothing."""
    try:
        os.link(source, link)
    except FileExistsError:
        return True
    except FileNotFoundError:
        return False
    return True
