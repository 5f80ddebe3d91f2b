"""A request on its way through the gateway."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from services.inference.frames import Reply
from services.inference.gateway.errors import NoAnswer
from services.inference.gateway.spans import RequestSpans

if TYPE_CHECKING:
    from services.inference.gateway.link import Link


PIECE_BYTES = 1 << 20  # of an answer that are copied at once: others are to have their turn


class Result:
    """What a replica answered, and which; `record` is for the log."""

    __slots__ = ("body", "record", "replica", "reply", "time", "version")

    def __init__(
        self,
        reply: Reply,
        body: memoryview,
        record: memoryview,
        replica: UUID,
        version: UUID,
        time: int,
    ) -> None:
        self.reply, self.body, self.record = reply, body, record
        self.replica, self.version, self.time = replica, version, time


class Ticket:
    """`then` is called once with what becomes of it, unless it is dropped before. `link` is where
    it runs, if it does; `lost` are the replicas that ended while they ran it."""

    __slots__ = (
        *("accept", "body", "content_type", "format", "query", "random"),
        *("link", "lost", "over", "since", "spans", "started", "then", "time"),
    )

    def __init__(
        self, content_type: str, accept: str, format: str, query: str, body: bytes, random: float
    ) -> None:
        self.content_type, self.accept, self.format = content_type, accept, format
        self.query, self.body, self.random = query, body, random
        self.then: Callable[[Result | NoAnswer], None] = _nobody
        self.over = False
        self.link: Link | None = None
        self.since = time.monotonic()
        self.started = 0.0
        self.spans: RequestSpans | None = None  # where somebody traces
        self.time = 0
        self.lost: set[UUID] = set()

    def end(self, outcome: Result | NoAnswer) -> None:
        """The first outcome counts."""
        if not self.over:
            then = self.then
            self.drop()
            then(outcome)

    def drop(self) -> None:
        """Nobody is told any more what becomes of it. Whoever would be refers to us, so that what
        may be hundreds of megabytes would wait for the garbage collector."""
        self.over, self.then = True, _nobody


def _nobody(_: Result | NoAnswer) -> None:
    pass
