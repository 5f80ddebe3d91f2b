"""Connections of callers that were handed over to the gateway: inference without a server between.

One request at a time, as HTTP/1.1 has it; what else comes on such a connection goes back to the
api with it.
"""

import asyncio
import os
import socket
import time
from typing import cast

from libs.service import handover
from libs.service.connections import Share
from libs.service.handover import Channel
from libs.service.timed_connection import (
    BODY,
    BODY_PAUSE,
    BYTES_A_SECOND,
    HEADER,
    READER_PAUSE,
)
from services.inference.gateway import response
from services.inference.gateway.errors import NoAnswer, not_deployed, refusal
from services.inference.gateway.gateway import Admitted, Gateway
from services.inference.gateway.head import END, MAX_HEAD_BYTES, Head, begins, parse
from services.inference.gateway.tickets import PIECE_BYTES, Result, Ticket

_IDLE_SECONDS = 300.0  # between two requests
_SWEEP_SECONDS = 1.0
_MAX_AHEAD = 1 << 16  # bytes of the next request that are read while one runs


class Callers:
    """All of one gateway: by default as many as the process may have descriptors for."""

    def __init__(self, gateway: Gateway, max_body: int, most: int = 0) -> None:
        self._most = most or Share.of_descriptors("").everybody
        self.gateway = gateway
        self.max_body = max_body
        self.leaving = False
        self.open: set[Caller] = set()
        self._gone = asyncio.Event()

    def take(self, channel: Channel, connection: socket.socket, data: bytes) -> None:
        """Serve it from now on; `data` was read of it already. If there are too many, the one that
        has been quiet longest makes room."""
        if len(self.open) >= self._most:
            quiet = [each for each in self.open if each.is_quiet]
            if not quiet:
                connection.close()
                return
            min(quiet, key=lambda each: each.since).abort()
        caller = Caller(self, channel, data)
        self.open.add(caller)
        loop = asyncio.get_running_loop()
        caller.opening = loop.create_task(loop.connect_accepted_socket(lambda: caller, connection))

    def forget(self, caller: "Caller") -> None:
        self.open.discard(caller)
        self._gone.set()

    async def run(self) -> None:
        """For ever: ends those that are late."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = time.monotonic()
            for caller in [each for each in self.open if each.is_late(now)]:
                caller.abort()

    async def leave(self, grace: float) -> None:
        """Answers what is under way, and gives all back to the api; who is not ready after `grace`
        seconds is cut off."""
        self.leaving = True
        for caller in list(self.open):
            caller.leave()
        try:
            async with asyncio.timeout(grace):
                while any(not each.over for each in self.open):
                    self._gone.clear()
                    await self._gone.wait()
        except TimeoutError:
            for caller in list(self.open):
                caller.abort()


class Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, callers: Callers, channel: Channel, data: bytes) -> None:
        self.opening: asyncio.Task[object] | None = None
        self._callers = callers
        self._channel = channel
        self._data = bytearray(data)
        self.since = time.monotonic()  # of the first byte, of the last answer
        self._heard = self.since  # of the last piece
        self._unread = 0, self.since  # bytes of answers, and since when it is as many
        self._head: Head | None = None
        self._start = 0  # of the body
        self._admitted: Admitted | None = None
        self._refusal: NoAnswer | None = None
        self._asking: asyncio.Task[None] | None = None
        self._ticket: Ticket | None = None
        self._transport: asyncio.Transport | None = None
        self.over = False  # it was refused, and what comes is read to nowhere
        self._returning = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._go_on()

    def data_received(self, data: bytes) -> None:
        if self.over:
            return
        self._heard = time.monotonic()
        if not self._data:
            self.since = self._heard
        self._data += data
        if self._ticket is None and self._asking is None:
            self._go_on()
        elif len(self._data) > _MAX_AHEAD and self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._returning:
            asyncio.get_running_loop().call_soon(self._return)

    def connection_lost(self, problem: Exception | None) -> None:
        self._transport = None
        self._callers.forget(self)
        if self._asking is not None:
            self._asking.cancel()
        if self._ticket is not None and self._admitted is not None:
            self._callers.gateway.cancel(self._admitted, self._ticket)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is done for it now."""
        return self._ticket is None and self._asking is None and self._transport is not None

    @property
    def received(self) -> int:
        """Bytes of the request that comes."""
        return len(self._data)

    def is_late(self, now: float) -> bool:
        """A request that does not come, or an answer that is not read; by the bounds of the api."""
        if self._transport is None or self._ticket is not None or self._asking is not None:
            return False
        if self.over:
            return now - self.since > READER_PAUSE
        if unread := self._transport.get_write_buffer_size():
            if unread != self._unread[0]:
                self._unread = unread, now
            return now - self._unread[1] > READER_PAUSE
        if not self._data:
            return now - self.since > _IDLE_SECONDS
        if self._head is None:
            return now - self.since > HEADER
        body_seconds = BODY + len(self._data) / BYTES_A_SECOND
        return now - self._heard > BODY_PAUSE or now - self.since > body_seconds

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def leave(self) -> None:
        """Back to the api, as soon as no request is under way."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        self._go_on()

    def _go_on(self) -> None:
        """As far as what has come allows."""
        if self._transport is None or self._returning:
            return
        if self._asking is not None or self._ticket is not None:
            return
        if self._callers.leaving and len(self._data) <= handover.MAX_BYTES and not self.over:
            self._return()
            return
        if not self._data or (self._head is None and not self._read_head()):
            return
        head = self._head
        assert head is not None  # noqa: S101 - for mypy: it was read
        if self._admitted is None and self._refusal is None and not self._admit(head):
            return
        if len(self._data) - self._start >= head.length:
            self._begin(head)
        elif self._refusal is not None and head.length > _MAX_AHEAD:
            self._refuse(self._refusal)

    def _read_head(self) -> bool:
        end = self._data.find(END, 0, MAX_HEAD_BYTES)
        if end < 0 and len(self._data) < MAX_HEAD_BYTES and begins(bytes(self._data[:64])):
            return False
        self._head = parse(bytes(self._data[:end])) if end >= 0 else None
        if self._head is None:
            self._return()
            return False
        self._start = end + len(END)
        if self._head.length > self._callers.max_body:
            most = self._callers.max_body >> 20
            self._refusal = refusal(413, f"the body has more than {most} MiB; send fewer rows")
        return True

    def _admit(self, head: Head) -> bool:
        try:
            self._admitted = self._callers.gateway.admit(head.call)
        except NoAnswer as problem:
            self._refusal = problem
            return True
        if self._admitted is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask(head))
        return self._admitted is not None

    async def _ask(self, head: Head) -> None:
        try:
            self._admitted = await self._callers.gateway.permit(head.call)
        except NoAnswer as problem:
            self._refusal = problem
        finally:
            self._asking = None
        if self._transport is not None:
            self._transport.resume_reading()
        self._go_on()

    def _begin(self, head: Head) -> None:
        end = self._start + head.length
        body = bytes(memoryview(self._data)[self._start : end])
        del self._data[:end]
        if self._admitted is None:
            self._answer(self._refusal or not_deployed(head.call.pipeline))
            if head.stays:  # the api bounds how many connections strangers have
                self._return()
            return
        ended = False

        def then(outcome: Result | NoAnswer) -> None:
            nonlocal ended
            ended = True
            self._ticket = None
            self._answer(outcome)

        ticket = self._callers.gateway.begin(head.call, self._admitted, body, then)
        if not ended:
            self._ticket = ticket

    def _answer(self, outcome: Result | NoAnswer) -> None:
        head, transport = self._head, self._transport
        self._head = self._admitted = self._refusal = None
        self.since = time.monotonic()
        if transport is None or head is None:
            return
        if isinstance(outcome, NoAnswer):
            transport.write(response.error(outcome, head.stays))
        elif len(outcome.body) <= PIECE_BYTES:
            transport.write(response.head(outcome, head.stays) + outcome.body)
        else:  # without another copy
            transport.write(response.head(outcome, head.stays))
            transport.write(outcome.body)
        if not head.stays:
            transport.close()
            return
        transport.resume_reading()
        if self._data or self._callers.leaving:
            asyncio.get_running_loop().call_soon(self._go_on)

    def _refuse(self, problem: NoAnswer) -> None:
        """Before a large body has come. What comes of it is read to nowhere for a while, for a
        connection that is closed with something unread takes the answer with it."""
        if self._transport is not None:
            self._transport.write(response.error(problem, stays=False))
            self._transport.write_eof()
            self.over, self._data = True, bytearray()

    def _return(self) -> None:
        """To the api, or nowhere if that is away; not before the last answer is out."""
        transport = self._transport
        if transport is None:
            return
        if transport.get_write_buffer_size():
            self._returning = True
            transport.pause_reading()
            transport.set_write_buffer_limits(0)
            return
        self._transport = None
        with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as copy:
            self._channel.give(copy, bytes(self._data))
        transport.abort()
