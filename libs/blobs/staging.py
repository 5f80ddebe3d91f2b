"""Files that appear whole or not at all: written beside, then renamed."""

import asyncio
import errno
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO

from libs.domain.errors import Rejected, Unavailable

MARK = "~"  # begins the name of a file under way; no key can


@asynccontextmanager
async def staged(target: Path, folder: Path, *, durable: bool) -> AsyncIterator[BinaryIO]:
    """A file in `folder` (of the same file system) that becomes `target` when the block ends well.

    `durable`: it outlives a power cut from then on. If the block raises, nothing is left.
    """
    part = folder / f"{MARK}{secrets.token_hex(8)}"
    try:
        # Buffered on purpose: its lock lets us close it under a cancelled write in another thread.
        with part.open("xb") as file:
            yield file
            await asyncio.to_thread(_finish, file, durable)
        await asyncio.to_thread(_publish, part, target, durable)
    finally:
        part.unlink(missing_ok=True)


def _finish(file: BinaryIO, durable: bool) -> None:
    file.flush()
    if durable:
        os.fsync(file.fileno())


def _publish(part: Path, target: Path, durable: bool) -> None:
    part.replace(target)
    if durable:
        sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """OSError as Rejected("no_space") when the disk is full, else as Unavailable."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Rejected("no_space", f"{doing}: the disk is full; free some space") from error
        raise Unavailable(f"{doing}: {error.strerror or error}") from error
