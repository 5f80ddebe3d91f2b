"""Events from a place in the log onwards: what lies there already, then what comes.

Nothing is missed, doubled or out of order. A reader who is too slow for the tail goes on from the
log, and comes back to the tail once there.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

import msgspec

from libs.domain.event_filter import EventFilter
from libs.eventfeed.tail import Tail
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog
from libs.eventlog.project import Position

HEARTBEAT_SECONDS = 5.0  # after which a batch comes, be it an empty one


class Batch(msgspec.Struct, frozen=True):
    """`events` in their order. With them, all that was asked for has been given up to `through`."""

    events: list[Recorded]
    through: int


class Source(Protocol):
    """`position` is how far the rows are, which is how far `tail` has published."""

    @property
    def log(self) -> EventLog: ...
    @property
    def position(self) -> Position: ...
    @property
    def tail(self) -> Tail: ...


class Selection(Protocol):
    """What a reader gets, which may change while they read."""

    def wants(self, event: Recorded) -> bool: ...

    async def subjects(self) -> list[str]:
        """Asked anew whenever the log is read, of which they may hold more than is selection."""


class FixedSelection:
    """What a filter says, for ever."""

    def __init__(self, filter: EventFilter) -> None:
        self.wants = filter.wants
        self._subjects = filter.subjects

    async def subjects(self) -> list[str]:
        return self._subjects


async def follow(
    source: Source, selection: Selection, after: int | None = None
) -> AsyncGenerator[Batch, None]:
    """Until the service ends; from now on if `after` is None. The first batch comes at once."""
    while True:
        with source.tail.listen(selection.wants) as listener:
            # Nothing happens between these two, so what the tail will publish begins right there.
            joined = source.position.seq
            after = joined if after is None else after
            subjects = await selection.subjects()
            async with aclosing(source.log.between(after, joined, subjects)) as batches:
                async for batch in batches:
                    after = batch[-1].seq
                    yield Batch([event for event in batch if selection.wants(event)], after)
            after = max(after, joined)
            yield Batch([], after)
            while not listener.behind:
                events = await listener.take(HEARTBEAT_SECONDS)
                fresh = [event for event in events if event.seq > after]
                if fresh:
                    after = fresh[-1].seq
                elif listener.idle:
                    after = max(after, source.position.seq)
                yield Batch(fresh, after)
                if listener.closed:
                    return
