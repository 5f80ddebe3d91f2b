"""Appends the event of an uploaded file: afterwards both event and bytes exist, or neither."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from libs.blobs.store import BlobStore
from libs.domain.errors import Unavailable
from libs.domain.ids import StreamId
from libs.eventlog.log import EventLog

Metadata = TypeVar("Metadata")


class Upload(msgspec.Struct, Generic[Metadata], frozen=True):
    """An uploaded file with its metadata; `sha` is lowercase hex."""

    path: Path
    file_name: str
    size: int
    sha: str
    metadata: Metadata


async def append_upload(
    log: EventLog,
    blobs: BlobStore,
    stream: StreamId,
    blob: str,
    path: Path,
    append: Callable[[], Awaitable[int]],
) -> int:
    """Store the bytes as `blob` first, then `append` the event that says so, the first of
    `stream`. On failure the bytes are deleted again."""
    await blobs.put(blob, path)
    try:
        return await append()
    except Unavailable:
        # An event that is in the log after all must find its blob.
        if await log.last(stream) is None:
            await blobs.delete(blob)
        raise
    except Exception:
        await blobs.delete(blob)
        raise
