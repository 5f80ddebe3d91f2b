"""Bytes over asyncio; rondo/transport.py does the same over blocking sockets.

In Python 3.10 asyncio.TimeoutError is not yet TimeoutError.
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, AsyncIterator
from http import HTTPStatus

from rondo import wire
from rondo.errors import Unavailable, Unreachable

CONNECT = 5.0  # s
QUIET = 30.0  # s that a stream is heard nothing of at most

_BROKEN = (EOFError, ValueError, asyncio.LimitOverrunError)

sleep = asyncio.sleep


class AsyncTransport:
    """One connection a request. `timeout` is in seconds, for each wait on the other side."""

    def __init__(self, endpoint: wire.Endpoint, timeout: float) -> None:
        self._endpoint, self._timeout = endpoint, timeout

    async def send(self, request: wire.Request) -> wire.Answer:
        """The answer, whatever its status. Unreachable when nothing can have been asked for."""
        head = request.head(self._endpoint)
        reader, writer = await self._connection()
        try:
            await self._write(writer, head, request)
            return wire.read(wire.Received(await self._rest(reader)))
        except (OSError, asyncio.TimeoutError) as error:
            raise Unavailable(f"the connection broke: {error!r}", "connection_lost") from error
        finally:
            writer.close()

    async def stream(self, request: wire.Request) -> AsyncGenerator[bytes, None]:
        """The body of a success as it comes, else the error that it tells of."""
        asked = request.head(self._endpoint)
        reader, writer = await self._connection()
        try:
            await self._write(writer, asked, request)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), QUIET)
            answer = wire.begun(wire.Received(head))
            if answer.status != HTTPStatus.OK:
                raise wire.read(wire.Received(head + await self._rest(reader))).error()
            async for piece in _body(reader, answer.chunked):
                yield piece
        except _BROKEN as error:
            raise wire.broken(error) from error
        except (OSError, asyncio.TimeoutError) as error:
            raise Unavailable(f"the connection broke: {error!r}", "connection_lost") from error
        finally:
            writer.close()

    async def _connection(self) -> tuple[StreamReader, StreamWriter]:
        to = self._endpoint
        opening = asyncio.open_connection(to.host, to.port, ssl=to.secure or None)
        try:
            return await asyncio.wait_for(opening, min(CONNECT, self._timeout))
        except (OSError, asyncio.TimeoutError) as error:
            raise Unreachable(f"{to.host}:{to.port}: {error!r}", "unreachable") from error

    async def _write(self, writer: StreamWriter, head: bytes, request: wire.Request) -> None:
        try:
            writer.write(head)
            for piece in request.body:
                writer.write(piece)
                await asyncio.wait_for(writer.drain(), self._timeout)
        except (BrokenPipeError, ConnectionResetError):
            pass  # who refuses an upload answers before its end: the answer says why

    async def _rest(self, reader: StreamReader) -> bytes:
        pieces = []
        while piece := await asyncio.wait_for(reader.read(1 << 16), self._timeout):
            pieces.append(piece)
        return b"".join(pieces)


async def _body(reader: StreamReader, chunked: bool) -> AsyncIterator[bytes]:
    """EOFError, ValueError when it breaks off."""
    if not chunked:
        while piece := await asyncio.wait_for(reader.read(1 << 16), QUIET):
            yield piece
        return
    while left := await _size(reader):
        while left and (piece := await asyncio.wait_for(reader.read(left), QUIET)):
            yield piece  # of a chunk that breaks off, what there is
            left -= len(piece)
        await asyncio.wait_for(reader.readline(), QUIET)


async def _size(reader: StreamReader) -> int:
    """Of the next chunk, in bytes."""
    line = await asyncio.wait_for(reader.readline(), QUIET)
    return int(line.split(b";")[0], 16)
