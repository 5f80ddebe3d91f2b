"""One connection to a replica: it carries one request at a time."""

import asyncio
import logging
import time
from typing import Protocol, cast
from uuid import UUID

from services.inference.frames import (
    ANSWER,
    QUEUED,
    REQUEST,
    Question,
    Reply,
    decode_reply,
    encode_question,
)
from services.inference.gateway.tickets import Result, Ticket

logger = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 1 << 29  # with its record, which has the request in it


class Owner(Protocol):
    """Whom a link tells what becomes of it."""

    def stamp(self) -> int:
        """The time of an inference that begins now, in ms."""
        ...

    def opened(self, link: "Link") -> None: ...

    def answered(self, link: "Link", ticket: Ticket, result: Result) -> None: ...

    def queued(self, link: "Link") -> None:
        """Its ticket waits in the replica, behind others."""
        ...

    def lost(self, link: "Link", ticket: Ticket | None) -> None:
        """It is closed. `ticket` ran on it, and nobody has answered it."""
        ...


class Link(asyncio.Protocol):
    """To the replica `id`, which serves `version` of a pipeline."""

    def __init__(self, owner: Owner, id: UUID, version: UUID) -> None:
        self.id, self.version = id, version
        self.ticket: Ticket | None = None
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._got = bytearray()

    def send(self, ticket: Ticket) -> None:
        """Whoever waits for the ticket hears of its answer; the owner of its end."""
        assert self._transport is not None  # noqa: S101 - for mypy: it was opened
        self.ticket, ticket.link = ticket, self
        ticket.time = self._owner.stamp()
        ticket.started = time.monotonic()
        if ticket.spans is not None:
            ticket.spans.started()
        head = encode_question(
            Question(
                ticket.content_type,
                ticket.accept,
                ticket.format,
                ticket.query,
                ticket.time,
                ticket.random,
            )
        )
        self._transport.write(
            b"".join((REQUEST.pack(len(head), len(ticket.body)), head, ticket.body))
        )

    def take_back(self) -> Ticket | None:
        """The ticket, to be sent elsewhere; the replica does not begin it any more."""
        ticket, self.ticket = self.ticket, None
        self.abort()
        return ticket

    def abort(self) -> None:
        """Nobody wants the answer any more: the replica sees that and stops."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        if not self._got and data.startswith(QUEUED) and self.ticket is not None:
            data = data[len(QUEUED) :]
            self._owner.queued(self)
            if not data:
                return
        ticket = self.ticket
        if ticket is None:  # it speaks unasked: it is not to be trusted with another request
            self.abort()
            return
        try:
            if self._got or not (whole := _parsed(data)):
                self._got += data
                if not (whole := _parsed(self._got)):
                    return
                self._got = bytearray()
            reply = _reply(whole[0])
        except ValueError:  # a model may have taken the process over
            logger.error("replica %s does not answer as it should", self.id)
            self.abort()
            return
        self.ticket = ticket.link = None
        result = Result(reply, whole[1], whole[2], self.id, self.version, ticket.time)
        self._owner.answered(self, ticket, result)

    def connection_lost(self, problem: Exception | None) -> None:
        ticket, self.ticket = self.ticket, None
        if ticket is not None:
            ticket.link = None
        self._owner.lost(self, ticket)


def _reply(head: memoryview) -> Reply:
    """Raises ValueError; msgspec's errors are such."""
    reply = decode_reply(head)
    if not reply.content_type.isprintable() or not 200 <= reply.status < 600:
        raise ValueError("no header")
    return reply


def _parsed(data: bytes | bytearray) -> tuple[memoryview, memoryview, memoryview] | None:
    """Head, body and record, once all of them are there. They are not copied."""
    if len(data) < ANSWER.size:
        return None
    head, body, record = ANSWER.unpack_from(data)
    if head + body + record > MAX_ANSWER_BYTES:
        raise ValueError("a replica's answer is too large")
    if len(data) < ANSWER.size + head + body + record:
        return None
    view = memoryview(data)[ANSWER.size :]
    return view[:head], view[head : head + body], view[head + body :]
