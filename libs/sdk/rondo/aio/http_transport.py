"""Bytes over asyncio; rondo/http_transport.py does the same over blocking sockets.

In Python 3.10 asyncio.TimeoutError is not yet TimeoutError.
"""

import asyncio
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from http import HTTPStatus
from typing import TypeVar

from rondo.errors import Unavailable, Unreachable
from rondo.http_messages import (
    Answer,
    BufferedAnswer,
    Endpoint,
    Request,
    broken_answer,
    read_answer,
    read_head,
)

CONNECT_TIMEOUT_SECONDS = 5.0
QUIET_TIMEOUT_SECONDS = 30.0  # the longest silence of a stream

Result = TypeVar("Result")

_BROKEN = (EOFError, ValueError, asyncio.LimitOverrunError)

sleep = asyncio.sleep


async def within(awaitable: Awaitable[Result], seconds: float) -> Result:
    """Its result. Raises asyncio.TimeoutError after so many seconds.

    asyncio.wait_for of 3.11 and before loses a cancellation that comes together with the result.
    """
    if sys.version_info < (3, 11):
        return await asyncio.wait_for(awaitable, seconds)
    async with asyncio.timeout(seconds):
        return await awaitable


class AsyncTransport:
    """One connection a request. `timeout` is in seconds, for each wait on the other side."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._endpoint, self._timeout = endpoint, timeout

    async def send(self, request: Request) -> Answer:
        """The answer, whatever its status.

        Raises Unreachable when the platform can't have received the request, Unavailable when it
        may have.
        """
        head, timeout = request.head(self._endpoint), request.timeout or self._timeout
        reader, writer = await self._connect()
        try:
            await self._write(writer, head, request)
            return read_answer(BufferedAnswer(await self._read_rest(reader, timeout)))
        except (OSError, asyncio.TimeoutError) as error:
            raise Unavailable(f"the connection broke: {error!r}", "connection_lost") from error
        finally:
            writer.close()

    async def stream(self, request: Request) -> AsyncGenerator[bytes, None]:
        """The body of a success, piece by piece as it comes.

        Raises the error of any other answer, and what `send` raises.
        """
        request_head = request.head(self._endpoint)
        reader, writer = await self._connect()
        try:
            await self._write(writer, request_head, request)
            head = await within(reader.readuntil(b"\r\n\r\n"), QUIET_TIMEOUT_SECONDS)
            answer = read_head(BufferedAnswer(head))
            if answer.status != HTTPStatus.OK:
                raise read_answer(
                    BufferedAnswer(head + await self._read_rest(reader, self._timeout))
                ).error()
            async for piece in _body(reader, answer.chunked):
                yield piece
        except _BROKEN as error:
            raise broken_answer(error) from error
        except (OSError, asyncio.TimeoutError) as error:
            raise Unavailable(f"the connection broke: {error!r}", "connection_lost") from error
        finally:
            writer.close()

    async def _connect(self) -> tuple[StreamReader, StreamWriter]:
        to = self._endpoint
        opening = asyncio.open_connection(to.host, to.port, ssl=to.secure or None)
        try:
            return await within(opening, min(CONNECT_TIMEOUT_SECONDS, self._timeout))
        except (OSError, asyncio.TimeoutError) as error:
            raise Unreachable(f"{to.host}:{to.port}: {error!r}", "unreachable") from error

    async def _write(self, writer: StreamWriter, head: bytes, request: Request) -> None:
        try:
            writer.write(head)
            for piece in request.body:
                writer.write(piece)
                await within(writer.drain(), self._timeout)
        except (BrokenPipeError, ConnectionResetError):
            pass  # who refuses an upload answers before its end: the answer says why

    async def _read_rest(self, reader: StreamReader, timeout: float) -> bytes:
        pieces = []
        while piece := await within(reader.read(1 << 16), timeout):
            pieces.append(piece)
        return b"".join(pieces)


async def _body(reader: StreamReader, chunked: bool) -> AsyncIterator[bytes]:
    """Raises EOFError or ValueError when it breaks off."""
    if not chunked:
        while piece := await within(reader.read(1 << 16), QUIET_TIMEOUT_SECONDS):
            yield piece
        return
    while left := await _chunk_size(reader):
        while left and (piece := await within(reader.read(left), QUIET_TIMEOUT_SECONDS)):
            yield piece  # of a chunk that breaks off, what there is
            left -= len(piece)
        await within(reader.readline(), QUIET_TIMEOUT_SECONDS)


async def _chunk_size(reader: StreamReader) -> int:
    """The size of the next chunk, in bytes."""
    line = await within(reader.readline(), QUIET_TIMEOUT_SECONDS)
    return int(line.split(b";")[0], 16)
