"""A connection whose caller is given so much time for each part of a request, and no more."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Protocol, cast

from aiohttp import web

from libs.service import address

HEADER = 10.0  # seconds from its first byte, or the connection's beginning, to its last
BODY_PAUSE = 30.0  # seconds between two pieces of a body
BODY, BYTES_A_SECOND = 60.0, 256  # seconds for a body in all, and one more for so many bytes
READER_PAUSE = 60.0  # seconds in which nothing of an answer is read
_ACKNOWLEDGED = struct.Struct("<Q"), 120  # tcpi_bytes_acked in Linux' struct tcp_info
_FULL = (
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
)
TOO_MANY = (
    b'{"code":429,"msg":"connection: too many from your address; close some","reason":"too_many"}'
)


class Elsewhere(Protocol):
    """Another process that answers some requests; `returned` takes the connections that it gives
    back, with what it has read of them."""

    returned: Callable[[socket.socket, bytes], None]

    def wants(self, data: bytes) -> bool:
        """Whether a request that begins so is for it."""
        ...

    def give(self, transport: asyncio.Transport, data: bytes) -> bool:
        """Whether it has the connection now; then it is to be closed here."""
        ...


class Server(Protocol):
    """Whose connections they are, as each of them sees it; connections.py."""

    elsewhere: Elsewhere | None
    now: int  # sweeps, a second each: while we are busy ourselves nobody is late

    def add(self, connection: "TimedConnection", transport: asyncio.Transport) -> bool:
        """Whether there is a place for it."""
        ...

    def remove(self, transport: asyncio.BaseTransport | None) -> None:
        """It is closed."""
        ...

    def changed(self) -> None:
        """A request has begun or ended."""
        ...


class TimedConnection(asyncio.Protocol):
    """Stands before the protocol `inner`, for as long as its caller is in time."""

    def __init__(self, server: Server, inner: asyncio.Protocol, first: bytes = b"") -> None:
        """`first` was read of it already, by another process that has given it back."""
        self._first = first
        self._server = server
        self._inner: asyncio.Protocol | None = inner
        self._transport: asyncio.Transport | None = None
        self._request: web.BaseRequest | None = None
        self._header_from: int | None = None
        self._body_from = 0
        self._received = 0
        self._read = 0, 0  # acknowledged bytes, and since when
        self.has_begun = False
        self.peer = self.address = ""
        self.streams = False
        self.heard = 0

    @property
    def has_request(self) -> bool:
        return self._request is not None

    @property
    def busy(self) -> bool:
        return self._request is not None and self._whole

    @property
    def _whole(self) -> bool:
        return self._request is None or self._request.content.is_eof()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""  # of a unix socket there is none
        self.address = address.whole(self.peer)
        self.heard = self._header_from = self._server.now
        if not self._server.add(self, transport):
            self._inner = None
            transport.write(_FULL % (len(TOO_MANY), TOO_MANY))
            transport.close()
            return
        self._transport = transport
        if self._inner is not None:
            self._inner.connection_made(transport)
        if self._first:
            self.data_received(self._first)

    def data_received(self, data: bytes) -> None:
        if self._inner is None:
            return
        if self._is_for_another(data):
            self._hand_over()
            return
        self.heard = self._server.now
        self._received += len(data)
        if self._request is None and self._header_from is None:
            self._header_from = self.heard
        self._inner.data_received(data)

    def _is_for_another(self, data: bytes) -> bool:
        """At the beginning of a request, if nothing of an answer is left to send."""
        elsewhere, transport = self._server.elsewhere, self._transport
        if elsewhere is None or transport is None or self._first or not elsewhere.wants(data):
            return False
        begins = self._request is None and (self._header_from is None or not self._received)
        return begins and not transport.get_write_buffer_size() and elsewhere.give(transport, data)

    def _hand_over(self) -> None:
        """It is another's now; what we have of it ends without a word to the caller."""
        inner, self._inner = self._inner, None
        if inner is not None:
            inner.connection_lost(None)
        self.abort()

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else None

    def connection_lost(self, problem: Exception | None) -> None:
        self._server.remove(self._transport)
        if self._inner is not None:
            self._inner.connection_lost(problem)

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def began(self, request: web.BaseRequest, streams: bool) -> None:
        self.streams = streams
        self._request, self._header_from = request, None
        self._body_from, self._received = self._server.now, 0
        self.has_begun = True
        self._server.changed()

    def ended(self) -> None:
        self._request, self.streams = None, False
        self._server.changed()

    def is_late(self, now: int) -> bool:
        if self._transport is None:
            return False
        if self._header_from is not None and now - self._header_from > HEADER:
            return True
        return self._body_is_late(now) or self._reader_is_late(now)

    def _body_is_late(self, now: int) -> bool:
        if self._whole or self._transport is None:
            return False
        if not self._transport.is_reading():  # it is we who are slow
            self.heard = now
            self._body_from += 1
            return False
        paused = now - self.heard > BODY_PAUSE
        return paused or now - self._body_from > BODY + self._received / BYTES_A_SECOND

    def _reader_is_late(self, now: int) -> bool:
        if self._transport is None or not self._transport.get_write_buffer_size():
            self._read = 0, now
            return False
        read = _acknowledged(self._transport)
        if read != self._read[0]:
            self._read = read, now
        return now - self._read[1] > READER_PAUSE

    def abort(self) -> None:
        """It counts no more, also before the loop has closed it."""
        if self._transport is not None:
            self._server.remove(self._transport)
            self._transport.abort()


def _acknowledged(transport: asyncio.Transport) -> int:
    """A number that is another one when the other side has read something."""
    layout, offset = _ACKNOWLEDGED
    caller = transport.get_extra_info("socket")
    if caller.family == socket.AF_UNIX:
        return transport.get_write_buffer_size()
    told = caller.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, offset + layout.size)
    return int(layout.unpack_from(told, offset)[0])
