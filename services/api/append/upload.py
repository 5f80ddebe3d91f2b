"""Appends the event of an uploaded file: afterwards both event and bytes exist, or neither.

A note beside the staged file says which bytes are about to be stored for which event. It goes when
the outcome is known. If we end before, the next start finds it and asks the log.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from libs.blobs.staging import disk_errors
from libs.blobs.store import BlobStore
from libs.domain.errors import Unavailable
from libs.domain.ids import StreamId
from libs.eventlog.log import EventLog

logger = logging.getLogger(__name__)

Metadata = TypeVar("Metadata")
_NOTE = "unfinished-"


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
    note = path.with_name(_NOTE + path.name)
    with disk_errors("file: can't be kept"):
        await asyncio.to_thread(note.write_text, f"{stream.subject}\n{blob}\n")
    try:
        await blobs.put(blob, path)
        seq = await append()
    except Exception as problem:
        # An event that is in the log after all must find its blob.
        if not isinstance(problem, Unavailable) or await log.last(stream) is None:
            await blobs.delete(blob)
            note.unlink()
        raise
    note.unlink()
    return seq


async def finish_uploads(log: EventLog, blobs: BlobStore, folder: Path) -> None:
    """Delete the bytes of uploads that were interrupted when the service stopped, unless their
    event is in the log. While the store is away they stay, for the next start."""
    for note in folder.glob(f"{_NOTE}*"):
        try:
            await _finish(log, blobs, note.read_text())
        except Unavailable as problem:
            logger.warning("an interrupted upload stays for now: %s", problem)
        else:
            note.unlink()


async def _finish(log: EventLog, blobs: BlobStore, note: str) -> None:
    if note.count("\n") < 2:
        return  # written in part, and so before anything was stored
    subject, blob, _ = note.split("\n")
    stream = StreamId.of_subject(subject)
    if await log.last(stream) is None:
        await blobs.delete(blob)
    elif facts := await log.read(stream):
        # Under one idempotency key another upload may have led to the event.
        if getattr(facts[0].event, "blob", "") != blob:
            await blobs.delete(blob)
    else:
        raise Unavailable(f"{subject} can't be read yet")
