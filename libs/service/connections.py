"""What a connection to us may take: time for its requests and answers, and a share of them all.

aiohttp gives a handler as long as its caller likes. So each connection's protocol stands behind one
of ours (timed_connection.py), which notes when bytes come, and is told by a middleware when a
request begins and ends. Once a second all are looked at: a header must be whole in time, a body
must go on, an answer must be read. Who holds a connection that says nothing loses it first when
another is wanted.
"""

import asyncio
import logging
import resource
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from libs.service import address
from libs.service.timed_connection import TOO_MANY, Elsewhere, TimedConnection

BEGIN = 1.0  # seconds for the first request of those who connected last
EVENTS = "text/event-stream"  # what asks for an answer that goes on
_MAX_DESCRIPTORS = 1 << 16


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


class Connections:
    """Those of one server. Without a `share` there may be any number."""

    def __init__(self, share: Share | None = None, elsewhere: Elsewhere | None = None) -> None:
        """Requests that are for `elsewhere` are handed over, with their connections."""
        self._share = share
        self.elsewhere = elsewhere
        self.now = 0  # sweeps, a second each: while we are busy ourselves nobody is late
        self._open: dict[asyncio.BaseTransport, TimedConnection] = {}
        self._of: Counter[str] = Counter()
        self._opening: set[asyncio.Task[object]] = set()
        self._changed = asyncio.Event()  # see `changed`; or a connection is gone

    def behind(self, server: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """Protocols for a listening socket, each before one of `server`."""
        return lambda: TimedConnection(self, server())

    def returned(
        self, server: Callable[[], asyncio.Protocol], connection: socket.socket, data: bytes
    ) -> None:
        """Takes one back that was handed over, with what was read of it. It stays here."""
        loop = asyncio.get_running_loop()
        opening = loop.connect_accepted_socket(
            lambda: TimedConnection(self, server(), data), connection
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
                return web.Response(status=429, body=TOO_MANY, headers=headers)
            connection.began(request, streams)
            try:
                return await handler(request)
            finally:
                connection.ended()

        return told

    def _has_stream_left(self, connection: TimedConnection) -> bool:
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

    def add(self, connection: TimedConnection, transport: asyncio.Transport) -> bool:
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

    def _has_place(self, share: Share, new: TimedConnection) -> bool:
        if len(self._open) >= share.everybody:
            return self._has_ended(list(self._open.values()))
        if not new.peer or self._of[new.address] < share.address:  # without one it is a service
            return True
        if address.is_one_of(new.peer, share.proxies):
            return True
        return self._has_ended([one for one in self._open.values() if one.address == new.address])

    def _has_ended(self, among: Sequence[TimedConnection]) -> bool:
        """Whether there was one that nothing is lost with: the one that was quiet longest."""
        quiet = [one for one in among if not one.busy]
        if not quiet:
            return False
        min(quiet, key=lambda one: one.heard).abort()
        return True


def _is_ours(record: logging.LogRecord) -> bool:
    """Not what callers do: requests that can't be read, bodies that break off."""
    problem = record.exc_info[1] if record.exc_info else None
    theirs = HttpProcessingError, web.RequestPayloadError, ConnectionError
    return not isinstance(problem, theirs)


OF_CALLERS = logging.getLogger("aiohttp.server.callers")
"""For what aiohttp has to say of requests: an anonymous caller must not fill our log."""
OF_CALLERS.addFilter(_is_ours)
