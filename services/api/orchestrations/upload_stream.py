"""Receives an upload: streamed to a file, hashed on the way, never whole in memory.

The file is deleted when the block that received it ends.
"""

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import aiohttp
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from libs.blobs.staging import disk_errors
from libs.domain import names
from libs.domain.errors import Rejected
from libs.service.disk_reserve import DiskReserve
from services.api.fields import MAX_NAME
from services.api.http.decode import decoder
from services.api.http.errors import too_large
from services.api.orchestrations.schemas import Upload, UploadMetadata

PIECE = 1 << 20
MOST_METADATA = 64 << 10
MOST_OTHER = 1 << 20
_LONGEST_NAME = 255

_decode_metadata = decoder(UploadMetadata)

# What the multipart reader raises at bytes that are no multipart body.
_MALFORMED = (
    ValueError,
    AssertionError,
    RuntimeError,
    aiohttp.ClientPayloadError,
    HttpProcessingError,
    web.RequestPayloadError,
)


class _Parts:
    """The file and the metadata, as far as they have come."""

    def __init__(self, file: BinaryIO, limit: int, reserve: DiskReserve) -> None:
        self._file = file
        self._limit = limit
        self._reserve = reserve
        self._sha = hashlib.sha256()
        self._size = 0
        self._name: str | None = None
        self.metadata: UploadMetadata | None = None

    async def take(self, part: aiohttp.BodyPartReader) -> None:
        match part.name:
            case "file" if self._name is None:
                self._name = _base_name(part.filename)
                self._size = await _drain(part, "file", self._limit, self._write)
            case "metadata" if self.metadata is None:
                body = bytearray()
                await _drain(part, "metadata", MOST_METADATA, _into(body))
                self.metadata = _metadata(bytes(body))
            case "file" | "metadata":
                raise Rejected("invalid", f"{part.name}: there are two such parts; send one")
            case name:
                await _drain(part, str(name), MOST_OTHER, _into(None))

    async def _write(self, piece: bytes) -> None:
        self._reserve.check("file", len(piece))
        await asyncio.to_thread(self._add, piece)

    def _add(self, piece: bytes) -> None:
        with disk_errors("file: can't be kept"):
            self._file.write(piece)
        self._sha.update(piece)

    def received(self, path: Path) -> Upload:
        if self._name is None or self.metadata is None:
            missing = "file" if self._name is None else "metadata"
            raise Rejected("invalid", f"{missing}: this part is missing; add it to the form")
        with disk_errors("file: can't be kept"):
            self._file.flush()
        return Upload(path, self._name, self._size, self._sha.hexdigest(), self.metadata)


@asynccontextmanager
async def receive(
    request: web.Request,
    folder: Path,
    limit: int,
    reserve: DiskReserve,
    allowed: Callable[[UploadMetadata], Awaitable[None]],
) -> AsyncIterator[Upload]:
    """Receive one upload into `folder`, of at most `limit` bytes.

    `allowed` is called as soon as the metadata is there, perhaps before the file. Rejected for a
    malformed body, and with no_space when `reserve` is used up.
    """
    if request.content_type != "multipart/form-data":
        raise Rejected("invalid", "Content-Type: send multipart/form-data with file and metadata")
    if (request.content_length or 0) > limit + MOST_METADATA + MOST_OTHER:
        raise too_large("file", limit)
    reserve.check("file", 2 * (request.content_length or 0))  # here, and in the store
    with disk_errors("file: can't be kept"):
        descriptor, name = tempfile.mkstemp(dir=folder, prefix="upload-")
    path = Path(name)
    try:
        with _opened(descriptor) as file:
            parts = _Parts(file, limit, reserve)
            checked = False
            async for part in _parts(request):
                await parts.take(part)
                if parts.metadata is not None and not checked:
                    checked = True
                    await allowed(parts.metadata)
            received = parts.received(path)
        yield received
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _opened(descriptor: int) -> Iterator[BinaryIO]:
    """The file. Closing it repeats a failed write, and so fails again: that error is dropped."""
    file = os.fdopen(descriptor, "wb")
    try:
        yield file
    finally:
        with suppress(OSError):
            file.close()


async def _parts(request: web.Request) -> AsyncIterator[aiohttp.BodyPartReader]:
    try:
        async for part in await request.multipart():
            if not isinstance(part, aiohttp.BodyPartReader):
                raise Rejected("invalid", "body: it has nested forms; send file and metadata")
            yield part
    except _MALFORMED as error:
        raise _malformed() from error


async def _drain(
    part: aiohttp.BodyPartReader,
    name: str,
    limit: int,
    sink: Callable[[bytes], Awaitable[None]],
) -> int:
    """Pass a part to `sink`, and return its size in bytes."""
    size = 0
    while True:
        try:
            piece = await part.read_chunk(PIECE)
        except _MALFORMED as error:
            raise _malformed() from error
        if not piece:
            return size
        size += len(piece)
        if size > limit:
            raise too_large(name, limit)
        await sink(piece)


def _into(buffer: bytearray | None) -> Callable[[bytes], Awaitable[None]]:
    async def sink(piece: bytes) -> None:
        if buffer is not None:
            buffer.extend(piece)

    return sink


def _metadata(body: bytes) -> UploadMetadata:
    try:
        metadata = _decode_metadata(body)
        if metadata.name is not None:
            names.check("name", metadata.name, MAX_NAME)
        return metadata
    except Rejected as rejected:
        problem = rejected.message.removeprefix("body: ")
        raise Rejected("invalid", f"metadata: {problem}") from rejected


def _base_name(name: str | None) -> str:
    """The name of the file without folders, of either kind, and without unprintable characters."""
    base = re.split(r"[/\\]", name or "")[-1]
    printable = names.UNPRINTABLE.sub("", base)[:_LONGEST_NAME]
    return printable if names.is_seen(printable) else "_"


def _malformed() -> Rejected:
    return Rejected("invalid", "body: no multipart/form-data, or cut short; send file and metadata")


def sweep(folder: Path) -> None:
    """Delete uploads that were interrupted when the service stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("upload-*"):
        path.unlink(missing_ok=True)
