"""Wheels made ready once for all environments: sources compiled, files sealed, bytes counted.

uv keeps each wheel unpacked in its cache and links the files into environments. Bytecode lies
beside its source there, so uv links it like the rest. A wheel that is ready is known by the inode
of its METADATA: a link to that file is kept, named `<inode>.<bytes>`, and while it is there no
other file can have that number, whatever packages say of themselves.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from services.packager.environment import packages, seal, site_packages
from services.packager.walk import entries


class Wheels:
    """The wheels in uv's `cache`. The links lie in `folder`, on the same file system."""

    def __init__(self, cache: Path, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._cache = cache
        self._folder = folder

    def ready(self) -> dict[int, int]:
        """The bytes of each ready wheel's packages, by the inode of its METADATA.

        Call it before wheels are linked: one that becomes ready meanwhile may be linked in part.
        """
        names = (entry.name.split(".") for entry in os.scandir(self._folder))
        return {int(inode): int(size) for inode, size in names}

    def unready_folders(self, environment: Path, ready: Mapping[int, int]) -> list[Path]:
        """The cache's folders of the environment's wheels that are not ready.

        It leaves out wheels whose bytecode uv would not link for all sources.
        """
        unready = {inode for inode in inodes(environment) if inode not in ready}
        if not unready:
            return []
        wheels = [path.parents[1] for path in self._metadata() if _inode(path) in unready]
        return [wheel for wheel in wheels if not _has_libraries_elsewhere(wheel)]

    def _metadata(self) -> Iterator[Path]:
        """`archive-v*/*/*.dist-info/METADATA`, by no glob, which fails at a folder that goes."""
        for bucket in entries(self._cache):
            for wheel in entries(bucket) if bucket.name.startswith("archive-v") else ():
                for info in entries(wheel):
                    if info.name.endswith(".dist-info"):
                        yield Path(info.path, "METADATA")

    def mark_ready(self, folders: list[Path]) -> None:
        """Seals the packages of wheels whose sources are compiled, and notes them as ready.

        What lies beside packages is left to each environment: some of it uv copies and writes to.
        """
        for folder in folders:
            # Another builder has done the same, or has emptied the cache.
            with suppress(FileExistsError, FileNotFoundError):
                size = sum(seal(Path(package)) for package in packages(folder))
                for metadata in folder.glob("*.dist-info/METADATA"):
                    os.link(metadata, self._folder / f"{metadata.stat().st_ino}.{size}")

    def prune(self) -> None:
        """Drops the links of wheels that are in neither the cache nor an environment any more."""
        for entry in entries(self._folder):
            with suppress(FileNotFoundError):
                if entry.stat().st_nlink == 1:
                    os.unlink(entry.path)


def inodes(environment: Path) -> Iterator[int]:
    """The inode of each distribution's METADATA; 0 for one that has none."""
    for entry in os.scandir(site_packages(environment)):
        if entry.name.endswith(".dist-info"):
            yield _inode(Path(entry.path, "METADATA"))


def _has_libraries_elsewhere(wheel: Path) -> bool:
    """`*.data/*lib`."""
    data = [one for one in entries(wheel) if one.name.endswith(".data")]
    return any(below.name.endswith("lib") for one in data for below in entries(one))


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0
