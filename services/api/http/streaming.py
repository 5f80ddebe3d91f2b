"""Answers that are sent piece by piece, as they come from their source."""

import logging
from collections.abc import AsyncIterator, Mapping

import aiohttp
import msgspec
from aiohttp import web

from libs.domain.errors import Rejected, Unavailable
from libs.domain.run import Run
from services.api.read_model.run_logs import AWAY, complete

logger = logging.getLogger(__name__)


async def send_lines(
    request: web.Request, run: Run, source: aiohttp.ClientResponse
) -> web.StreamResponse:
    """Send `{"logs": [...], "complete": ...}` with only one piece of it in memory."""
    end = b'],"complete":' + msgspec.json.encode(complete(run, source)) + b"}"

    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"logs":['
        async for piece in _strings(source.content):
            yield piece
        yield end

    return await send(request, {"Content-Type": "application/json"}, pieces())


async def send(
    request: web.Request, headers: Mapping[str, str], pieces: AsyncIterator[bytes]
) -> web.StreamResponse:
    """If the source breaks off, so does the answer, and visibly: its last chunk never comes."""
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    try:
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    except (*AWAY, Rejected, Unavailable) as problem:
        transport = request.transport
        if transport is not None and not transport.is_closing():  # else nobody listens any more
            logger.warning("a log for %s broke off: %r", request.remote, problem)
            transport.abort()
    return response


async def _strings(source: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines as JSON strings with commas between them; one piece for lines that came together."""
    rest = separator = b""
    async for data in source.iter_any():
        *whole, rest = (rest + data).split(b"\n")
        if whole:
            yield separator + b",".join(_json(line) for line in whole)
            separator = b","
    if rest:
        yield separator + _json(rest)


def _json(line: bytes) -> bytes:
    return msgspec.json.encode(line.decode("utf-8", "replace"))
