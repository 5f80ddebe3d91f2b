"""What a connection to us may take: time for its requests and answers, and a share of them all.

aiohttp gives a handler as long as its caller likes. So each connection's protocol stands behind one
of ours, which notes when bytes come, and is told by a middleware when a request begins and ends.
Once a second all are looked at: a header must be whole in time, a body must go on, an answer must
be read. Who holds a connection that says nothing loses it first when another is wanted.
"""

import asyncio
import logging
import resource
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from libs.service import address

HEADER = 10.0  # seconds from its first byte, or the connection's beginning, to its last
BODY_PAUSE = 30.0  # seconds between two pieces of a body
BODY, BYTES_A_SECOND = 60.0, 256  # seconds for a body in all, and one more for so many bytes
BEGIN = 1.0  # seconds for the first request of those who connected last
READER_PAUSE = 60.0  # seconds in which nothing of an answer is read
EVENTS = "text/event-stream"  # what asks for an answer that goes on
_MAX_DESCRIPTORS = 1 << 16
_ACKNOWLEDGED = struct.Struct("<Q"), 120  # tcpi_bytes_acked in Linux' struct tcp_info
_FULL = (
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
)
_WORDS = (
    b'{"code":429,"msg":"connection: too many from your address; close some","reason":"too_many"}'
)


@dataclass(frozen=True)
class Share:
    """How many connections there may be: in all, from an address, and of these such that ask for
    events as they come. Through `proxies` many callers come: only the first bound is theirs."""

    everybody: int
    address: int
    streams: int
    proxies: str = ""

    @staticmethod
    def of_descriptors(proxies: str) -> "Share":
        """Three quarters of what the process may open, after it has raised that to what it can."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MAX_DESCRIPTORS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        everybody = max(most * 3 // 4, 16)
        return Share(everybody, everybody * 2 // 3, everybody // 3, proxies)


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


class Connections:
    """Those of one server. Without a `share` there may be any number."""

    def __init__(self, share: Share | None = None, elsewhere: Elsewhere | None = None) -> None:
        """Requests that are for `elsewhere` are handed over, with their connections."""
        self._share = share
        self.elsewhere = elsewhere
        self.now = 0  # sweeps, a second each: while we are busy ourselves nobody is late
        self._open: dict[asyncio.BaseTransport, _Connection] = {}
        self._of: Counter[str] = Counter()
        self._opening: set[asyncio.Task[object]] = set()
        self._changed = asyncio.Event()  # see `changed`; or a connection is gone

    def behind(self, server: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """Protocols for a listening socket, each before one of `server`."""
        return lambda: _Connection(self, server())

    def returned(
        self, server: Callable[[], asyncio.Protocol], connection: socket.socket, data: bytes
    ) -> None:
        """Takes one back that was handed over, with what was read of it. It stays here."""
        loop = asyncio.get_running_loop()
        opening = loop.connect_accepted_socket(
            lambda: _Connection(self, server(), data), connection
        )
        task = loop.create_task(opening)
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    @property
    def middleware(self) -> Middleware:
        """The outermost one."""

        @web.middleware
        async def told(request: web.Request, handler: Handler) -> web.StreamResponse:
            connection = self._open.get(request.transport) if request.transport else None
            if connection is None:
                return await handler(request)
            streams = EVENTS in request.headers.get("Accept", "")
            if streams and not self._has_stream_left(connection):
                headers = {"Retry-After": "1", "Content-Type": "application/json"}
                return web.Response(status=429, body=_WORDS, headers=headers)
            connection.began(request, streams)
            try:
                return await handler(request)
            finally:
                connection.ended()

        return told

    def _has_stream_left(self, connection: "_Connection") -> bool:
        if self._share is None or address.is_one_of(connection.peer, self._share.proxies):
            return True
        theirs = [one for one in self._open.values() if one.address == connection.address]
        return sum(one.streams for one in theirs) < self._share.streams

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        async def sweep() -> None:
            while True:
                await asyncio.sleep(1)
                self.sweep()

        sweeping = asyncio.create_task(sweep())
        try:
            yield
        finally:
            sweeping.cancel()

    async def quiet(self, within: float) -> None:
        """Returns when no request is under way, also none of those who have just connected; at the
        latest after so many seconds."""
        for seconds, is_quiet in (
            (min(BEGIN, within), lambda one: one.has_begun),
            (within, lambda one: not one.has_request),
        ):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while not all(map(is_quiet, self._open.values())):
                        self._changed.clear()
                        await self._changed.wait()

    def changed(self) -> None:
        """A request has begun or ended."""
        self._changed.set()

    def sweep(self) -> None:
        self.now += 1
        for connection in [one for one in self._open.values() if one.is_late(self.now)]:
            connection.abort()

    def add(self, connection: "_Connection", transport: asyncio.Transport) -> bool:
        """Whether there is a place for it, if need be that of one which says nothing."""
        if self._share is not None and not self._has_place(self._share, connection):
            return False
        self._open[transport] = connection
        self._of[connection.address] += 1
        return True

    def remove(self, transport: asyncio.BaseTransport | None) -> None:
        gone = self._open.pop(transport, None) if transport else None
        if gone is not None:
            self._changed.set()
            self._of[gone.address] -= 1
            self._of += Counter()  # forgets those that have none

    def _has_place(self, share: Share, new: "_Connection") -> bool:
        if len(self._open) >= share.everybody:
            return self._has_ended(list(self._open.values()))
        if not new.peer or self._of[new.address] < share.address:  # without one it is a service
            return True
        if address.is_one_of(new.peer, share.proxies):
            return True
        return self._has_ended([one for one in self._open.values() if one.address == new.address])

    def _has_ended(self, among: Sequence["_Connection"]) -> bool:
        """Whether there was one that nothing is lost with: the one that was quiet longest."""
        quiet = [one for one in among if not one.busy]
        if not quiet:
            return False
        min(quiet, key=lambda one: one.heard).abort()
        return True


class _Connection(asyncio.Protocol):
    def __init__(self, all: Connections, inner: asyncio.Protocol, first: bytes = b"") -> None:
        """`first` was read of it already, by another process that has given it back."""
        self._first = first
        self._all = all
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
        self.heard = self._header_from = self._all.now
        if not self._all.add(self, transport):
            self._inner = None
            transport.write(_FULL % (len(_WORDS), _WORDS))
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
        self.heard = self._all.now
        self._received += len(data)
        if self._request is None and self._header_from is None:
            self._header_from = self.heard
        self._inner.data_received(data)

    def _is_for_another(self, data: bytes) -> bool:
        """At the beginning of a request, if nothing of an answer is left to send."""
        elsewhere, transport = self._all.elsewhere, self._transport
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
        self._all.remove(self._transport)
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
        self._body_from, self._received = self._all.now, 0
        self.has_begun = True
        self._all.changed()

    def ended(self) -> None:
        self._request, self.streams = None, False
        self._all.changed()

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
            self._all.remove(self._transport)
            self._transport.abort()


def _acknowledged(transport: asyncio.Transport) -> int:
    """A number that is another one when the other side has read something."""
    layout, offset = _ACKNOWLEDGED
    caller = transport.get_extra_info("socket")
    if caller.family == socket.AF_UNIX:
        return transport.get_write_buffer_size()
    told = caller.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, offset + layout.size)
    return int(layout.unpack_from(told, offset)[0])


def _is_ours(record: logging.LogRecord) -> bool:
    """Not what callers do: requests that can't be read, bodies that break off."""
    problem = record.exc_info[1] if record.exc_info else None
    theirs = HttpProcessingError, web.RequestPayloadError, ConnectionError
    return not isinstance(problem, theirs)


OF_CALLERS = logging.getLogger("aiohttp.server.callers")
"""For what aiohttp has to say of requests: an anonymous caller must not fill our log."""
OF_CALLERS.addFilter(_is_ours)
