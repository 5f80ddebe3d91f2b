"""Receives an upload, a form or a bare file: streamed to a file, hashed on the way, never whole in
memory.

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
from typing import BinaryIO, Generic, TypeVar

import aiohttp
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from libs.blobs.staging import disk_errors
from libs.domain import names
from libs.domain.errors import Rejected
from libs.service.disk_reserve import DiskReserve
from services.api.append.upload import Upload
from services.api.config import Config
from services.api.http.errors import too_large

PIECE = 1 << 20
MOST_METADATA = 64 << 10
MOST_OTHER = 1 << 20
_LONGEST_NAME = 255

# What the multipart reader raises at bytes that are no multipart body.
_MALFORMED = (
    ValueError,
    AssertionError,
    RuntimeError,
    aiohttp.ClientPayloadError,
    HttpProcessingError,
    web.RequestPayloadError,
)


Metadata = TypeVar("Metadata")


class Incoming(Generic[Metadata]):
    """What a route takes: files into `folder`, of at most `limit` bytes, unless the disk is full.

    `decode` makes metadata of bytes, or raises Rejected. `allowed` is called as soon as metadata is
    there, perhaps before the file.
    """

    def __init__(
        self,
        config: Config,
        decode: Callable[[bytes], Metadata],
        allowed: Callable[[Metadata], Awaitable[None]],
    ) -> None:
        self.folder = config.data
        self.limit = config.max_upload_bytes
        self.reserve = DiskReserve.of(config)
        self.decode = decode
        self.allowed = allowed

    def metadata(self, body: bytes) -> Metadata:
        try:
            return self.decode(body)
        except Rejected as rejected:
            problem = rejected.message.removeprefix("body: ")
            raise Rejected("invalid", f"metadata: {problem}") from rejected


class _File:
    """The file, as far as it has come."""

    def __init__(self, file: BinaryIO, reserve: DiskReserve) -> None:
        self._file = file
        self._reserve = reserve
        self._sha = hashlib.sha256()

    async def write(self, piece: bytes) -> None:
        self._reserve.check("file", len(piece))
        await asyncio.to_thread(self._add, piece)

    def _add(self, piece: bytes) -> None:
        with disk_errors("file: can't be kept"):
            self._file.write(piece)
        self._sha.update(piece)

    def finished(self) -> str:
        """Its SHA-256."""
        with disk_errors("file: can't be kept"):
            self._file.flush()
        return self._sha.hexdigest()


class _Parts(Generic[Metadata]):
    """The file and the metadata, as far as they have come."""

    def __init__(self, file: _File, incoming: Incoming[Metadata]) -> None:
        self._file = file
        self._incoming = incoming
        self._size = 0
        self._name: str | None = None
        self._metadata: Metadata | None = None

    async def take(self, part: aiohttp.BodyPartReader) -> None:
        match part.name:
            case "file" if self._name is None:
                self._name = base_name(part.filename)
                self._size = await _drain(part, "file", self._incoming.limit, self._file.write)
            case "metadata" if self._metadata is None:
                body = bytearray()
                await _drain(part, "metadata", MOST_METADATA, _into(body))
                self._metadata = self._incoming.metadata(bytes(body))
                await self._incoming.allowed(self._metadata)
            case "file" | "metadata":
                raise Rejected("invalid", f"{part.name}: there are two such parts; send one")
            case name:
                await _drain(part, str(name), MOST_OTHER, _into(None))

    def received(self, path: Path) -> Upload[Metadata]:
        if self._name is None or self._metadata is None:
            missing = "file" if self._name is None else "metadata"
            raise Rejected("invalid", f"{missing}: this part is missing; add it to the form")
        return Upload(path, self._name, self._size, self._file.finished(), self._metadata)


@asynccontextmanager
async def receive(
    request: web.Request, incoming: Incoming[Metadata]
) -> AsyncIterator[Upload[Metadata]]:
    """Receive a form with `file` and `metadata`.

    Rejected for a malformed body, and with no_space when the reserve is used up.
    """
    if request.content_type != "multipart/form-data":
        raise Rejected("invalid", "Content-Type: send multipart/form-data with file and metadata")
    _check_length(request, incoming, MOST_METADATA + MOST_OTHER)
    with _opened(incoming.folder) as (file, path):
        parts = _Parts(_File(file, incoming.reserve), incoming)
        async for part in _parts(request):
            await parts.take(part)
        yield parts.received(path)


@asynccontextmanager
async def receive_bare(
    request: web.Request, incoming: Incoming[Metadata], file_name: str, metadata: Metadata
) -> AsyncIterator[Upload[Metadata]]:
    """Receive a body that is the file itself. Rejected as by `receive`."""
    await incoming.allowed(metadata)
    _check_length(request, incoming, 0)
    with _opened(incoming.folder) as (opened, path):
        file, size = _File(opened, incoming.reserve), 0
        async for piece in request.content.iter_chunked(PIECE):
            size += len(piece)
            if size > incoming.limit:
                raise too_large("file", incoming.limit)
            await file.write(piece)
        yield Upload(path, base_name(file_name), size, file.finished(), metadata)


def _check_length(request: web.Request, incoming: Incoming[Metadata], more: int) -> None:
    if (request.content_length or 0) > incoming.limit + more:
        raise too_large("file", incoming.limit)
    incoming.reserve.check("file", 2 * (request.content_length or 0))  # here, and in the store


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A file that is deleted afterwards. Closing it repeats a failed write, and so fails again:
    that error is dropped."""
    with disk_errors("file: can't be kept"):
        descriptor, name = tempfile.mkstemp(dir=folder, prefix="upload-")
    file = os.fdopen(descriptor, "wb")
    try:
        yield file, Path(name)
    finally:
        with suppress(OSError):
            file.close()
        Path(name).unlink(missing_ok=True)


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


def base_name(name: str | None) -> str:
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
