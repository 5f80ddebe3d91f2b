"""How a state comes from events: the same fold for every aggregate, here and in projections."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from libs.domain.events import Event
from libs.domain.ids import StreamId


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """An event and its circumstances, as an aggregate sees them."""

    stream: StreamId
    event: Event
    at: datetime
    actor: str
    seq: int = 0


class Happened(Protocol):
    """What a Fact and a log's record have in common. `seq` is the place in the log, given out once:
    things that need a number have that of the event which created them."""

    @property
    def stream(self) -> StreamId: ...
    @property
    def event(self) -> Event: ...
    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> str: ...
    @property
    def seq(self) -> int: ...


State = TypeVar("State")


class Evolve(Protocol[State]):
    """The state after one more event; `state` is none before the first. ValueError for an event of
    another aggregate."""

    def __call__(self, state: State | None, fact: Happened) -> State: ...


def fold(evolve: Evolve[State], facts: Iterable[Happened]) -> State | None:
    """None when there are no facts: the aggregate does not exist."""
    state: State | None = None
    for fact in facts:
        state = evolve(state, fact)
    return state


def existing(state: State | None, what: str) -> State:
    """For evolve: every event but the first finds a state; anything else is a broken log."""
    if state is None:
        raise ValueError(f"the log has {what} before the aggregate was created")
    return state
