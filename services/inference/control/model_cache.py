"""Models of the blob store as files of this machine, by the SHA-256 of their bytes."""

import asyncio
import hashlib
import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

from libs.blobs.store import BlobStore
from libs.domain.errors import Rejected, Unavailable

logger = logging.getLogger(__name__)

_PIECE = 1 << 20


class ModelCache:
    """In `folder`, of at most about `most` bytes: what was used longest ago goes first. Files that
    are on their way are in a folder of their own there, so that nobody makes room with them."""

    def __init__(self, blobs: BlobStore, folder: Path, most: int) -> None:
        self._blobs = blobs
        self._folder = folder
        self._most = most
        self._coming: dict[str, asyncio.Task[None]] = {}
        self._arriving = folder / "arriving"
        shutil.rmtree(self._arriving, ignore_errors=True)
        self._arriving.mkdir(parents=True)

    async def open(self, sha: str, blob: str) -> int:
        """A descriptor of the model, to read; it stays good whatever becomes of the cache.

        Rejected if the store has no such blob, or other bytes; Unavailable.
        """
        path = self._folder / sha
        for _ in range(2):
            with suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                os.utime(path)
                return descriptor
            await self._fetched(sha, blob)
        raise Unavailable(f"model {sha[:12]} vanished from the cache")

    async def _fetched(self, sha: str, blob: str) -> None:
        task = self._coming.get(sha)
        if task is None:
            task = self._coming[sha] = asyncio.create_task(self._fetch(sha, blob))
            task.add_done_callback(lambda _: self._coming.pop(sha, None))
        await asyncio.shield(task)

    async def _fetch(self, sha: str, blob: str) -> None:
        path = self._arriving / sha
        try:
            await self._blobs.get(blob, path)
            if await asyncio.to_thread(_digest, path) != sha:
                raise Rejected(
                    "invalid", f"the stored file is not the one that was uploaded: {sha}"
                )
            path.chmod(0o444)  # others read it by a descriptor; nobody can enter the folder
            path.rename(self._folder / sha)
            self._make_room(keep=sha)
        except OSError as error:
            raise Unavailable(f"a model can't be stored here: {error.strerror}") from error
        except Rejected as refusal:
            if refusal.code == "no_space":  # which says nothing of the model
                raise Unavailable(refusal.message) from refusal
            raise
        finally:
            path.unlink(missing_ok=True)

    def _make_room(self, keep: str) -> None:
        files = [each for each in self._folder.iterdir() if each != self._arriving]
        found = sorted((each.stat().st_mtime, each.stat().st_size, each) for each in files)
        total = sum(size for _, size, _ in found)
        for _, size, each in found:
            if total <= self._most:
                return
            if each.name != keep:
                total -= size
                each.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
