"""Uploaded archives: unpacked once, shared by their runs, dropped when long unused."""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

from libs.archive.extract import extract
from libs.blobs.store import BlobStore
from libs.domain.errors import Rejected, Unavailable

KEPT = 200


class CodeCache:
    """`folder` is this executor's alone; a tree in it is whole or not there."""

    def __init__(self, blobs: BlobStore, folder: Path) -> None:
        self._blobs = blobs
        self._folder = folder
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        folder.mkdir(parents=True, exist_ok=True)

    async def tree(self, blob: str) -> Path:
        """Where the files of an archive lie. Raises as BlobStore.get; Rejected for a bad archive.

        Unavailable while our own disk is full.
        """
        name = hashlib.sha256(blob.encode()).hexdigest()  # keys have slashes
        target = self._folder / name
        async with self._turns[name]:
            if not target.exists():
                await self._fetch(blob, target)
        os.utime(target)
        return target

    async def _fetch(self, blob: str, target: Path) -> None:
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".") as scratch:
            archive = Path(scratch) / "archive.zip"
            try:
                await self._blobs.get(blob, archive)
            except Rejected as refusal:
                if refusal.code != "no_space":
                    raise
                raise Unavailable(refusal.message) from refusal  # ours is full, for now
            await asyncio.to_thread(extract, archive, target)
        await asyncio.to_thread(self._drop_oldest)

    def _drop_oldest(self) -> None:
        trees = [tree for tree in self._folder.iterdir() if not tree.name.startswith(".")]
        trees.sort(key=_used)
        for tree in trees[:-KEPT]:
            shutil.rmtree(tree, ignore_errors=True)


def _used(tree: Path) -> float:
    try:
        return tree.stat().st_mtime
    except FileNotFoundError:  # being dropped by another upload's first run
        return 0.0
