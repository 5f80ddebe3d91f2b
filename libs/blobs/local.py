"""A blob store in a local folder: one file a key, at the key's path."""

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from libs.blobs.staging import MARK, disk_errors, staged, sync_folder
from libs.blobs.store import PIECE, check_key, check_prefix, no_such_key
from libs.domain.errors import Rejected

_ABANDONED_SECONDS = (
    24 * 3600
)  # seconds after its last write that a file under way is taken for a crash's


class LocalStore:
    """BlobStore over `root`. Several processes may share one folder."""

    def __init__(self, root: Path) -> None:
        """Creates the folder, and sweeps what crashed writers left in it."""
        self._root = root
        self._staging = root / MARK
        with disk_errors(f"opening the blob folder {root}"):
            _make_folder(self._staging)
            _sweep(self._staging)

    async def put(self, key: str, path: Path) -> None:
        target = self._path(key)
        with path.open("rb") as source, disk_errors(f"storing blob {key}"):
            await asyncio.to_thread(_make_parent, key, target.parent)
            if await asyncio.to_thread(target.is_dir):
                raise _in_the_way(key)
            async with staged(target, self._staging, durable=True) as file:
                while piece := await asyncio.to_thread(source.read, PIECE):
                    await asyncio.to_thread(file.write, piece)

    async def get(self, key: str, path: Path) -> None:
        with disk_errors(f"reading blob {key}"):
            try:
                source = await asyncio.to_thread(self._path(key).open, "rb")
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                raise no_such_key(key) from None
            with source:
                async with staged(path, path.parent, durable=False) as file:
                    while piece := await asyncio.to_thread(source.read, PIECE):
                        await asyncio.to_thread(file.write, piece)

    async def delete(self, key: str) -> None:
        with disk_errors(f"deleting blob {key}"):
            await asyncio.to_thread(_remove, self._path(key))

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self._path(key).is_file)

    async def list(self, prefix: str) -> Sequence[str]:
        check_prefix(prefix)
        with disk_errors("listing blobs"):
            return await asyncio.to_thread(self._list, prefix)

    async def check(self) -> None:
        """The folder is there and takes a new file."""
        with disk_errors(f"checking the blob folder {self._root}"):
            async with staged(self._staging / "check", self._staging, durable=False):
                pass

    def _path(self, key: str) -> Path:
        check_key(key)
        return self._root / key

    def _list(self, prefix: str) -> Sequence[str]:
        top = self._root / prefix.rpartition("/")[0]
        found = []
        for folder, folders, names in os.walk(top):
            folders[:] = [name for name in folders if name != MARK]
            found += [(Path(folder) / name).relative_to(self._root).as_posix() for name in names]
        return sorted(key for key in found if key.startswith(prefix))


def _make_parent(key: str, folder: Path) -> None:
    try:
        _make_folder(folder)
    except (FileExistsError, NotADirectoryError):
        raise _in_the_way(key) from None


def _make_folder(folder: Path) -> None:
    """mkdir -p that outlives a power cut."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)  # tasks of other users must not read them
    if not folder.is_dir():
        raise FileExistsError(folder)
    sync_folder(folder.parent)


def _in_the_way(key: str) -> Rejected:
    return Rejected("conflict", f"blob key {key}: it or a part of it is a folder or blob already")


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return
    sync_folder(path.parent)


def _sweep(staging: Path) -> None:
    for part in staging.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - part.stat().st_mtime > _ABANDONED_SECONDS:
                part.unlink()
