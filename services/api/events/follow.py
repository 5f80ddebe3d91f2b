"""Events from a place in the log onwards: what lies there already, then what comes.

Nothing is missed, doubled or out of order. A reader who is too slow for the tail goes on from the
log, and comes back to the tail once there.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

import msgspec

from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog
from libs.eventlog.project import Position
from services.api.read_model.tail import Tail

PULSE = 5.0  # seconds after which a piece comes, be it an empty one


class Piece(msgspec.Struct, frozen=True):
    """`events` in their order. With them, all that was asked for has been given up to `through`."""

    events: list[Recorded]
    through: int


class Source(Protocol):
    """`position` is how far the rows are, which is how far `tail` has told."""

    @property
    def log(self) -> EventLog: ...
    @property
    def position(self) -> Position: ...
    @property
    def tail(self) -> Tail: ...


class Wanted(Protocol):
    def wants(self, event: Recorded) -> bool: ...

    async def subjects(self) -> list[str]:
        """Asked anew whenever the log is read, of which they may hold more than is wanted."""


async def follow(
    source: Source, wanted: Wanted, after: int | None = None
) -> AsyncGenerator[Piece, None]:
    """Until the service ends; from now on if `after` is None. The first piece comes at once."""
    while True:
        with source.tail.listen(wanted.wants) as listener:
            # Nothing happens between these two, so what the tail will tell begins right there.
            joined = source.position.seq
            after = joined if after is None else after
            subjects = await wanted.subjects()
            async with aclosing(source.log.between(after, joined, subjects)) as batches:
                async for batch in batches:
                    after = batch[-1].seq
                    yield Piece([event for event in batch if wanted.wants(event)], after)
            after = max(after, joined)
            yield Piece([], after)
            while not listener.behind:
                told = [event for event in await listener.take(PULSE) if event.seq > after]
                if told:
                    after = told[-1].seq
                elif listener.idle:
                    after = max(after, source.position.seq)
                yield Piece(told, after)
                if listener.closed:
                    return
