"""Given events, when a decision, then events or Rejected: how the tests of aggregates are told."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

import pytest

from libs.domain.errors import Code, Rejected
from libs.domain.events import Event
from libs.domain.history import Evolve, Fact, fold
from libs.domain.ids import StreamId

State = TypeVar("State")
Decision = Callable[[State], Sequence[Event]]

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID = UUID("7f9c1f52-9b52-4d0e-8f43-0d7e7f5d2b11")
ORCHESTRATION = UUID("0b2d6a3e-3c2f-4a61-9a52-5d8f0c6f1e22")


def at(text: str, day: str = "2026-03-02") -> datetime:
    """`12:00:05` of the day of these tests, in UTC."""
    return datetime.fromisoformat(f"{day}T{text}+00:00")


def facts(stream: StreamId, events: Sequence[Event]) -> list[Fact]:
    """One a second from START on; they have the places 1, 2, ... of the log."""
    return [
        Fact(
            stream=stream,
            event=event,
            at=START + timedelta(seconds=number),
            actor="ann",
            seq=number + 1,
        )
        for number, event in enumerate(events)
    ]


class Decider(Generic[State]):
    """An aggregate after some history; `state` is what the history folds to."""

    def __init__(self, evolve: Evolve[State], stream: StreamId, events: Sequence[Event]) -> None:
        self._evolve = evolve
        self._stream = stream
        self._events = list(events)

    @property
    def state(self) -> State:
        state = fold(self._evolve, facts(self._stream, self._events))
        assert state is not None
        return state

    def after(self, *events: Event) -> "Decider[State]":
        return Decider(self._evolve, self._stream, [*self._events, *events])

    def decides(self, decide: Decision[State], *expected: Event) -> "Decider[State]":
        """The decision gives these events; what it led to, for the next question."""
        assert list(decide(self.state)) == list(expected)
        return self.after(*expected)

    def decides_once(self, decide: Decision[State], expected: Event) -> "Decider[State]":
        """As `decides`, and the same decision again has nothing to add."""
        return self.decides(decide, expected).decides(decide)

    def refuses(self, decide: Decision[State], code: Code, *words: str) -> None:
        """The message names the field and the remedy: all these words are in it."""
        with pytest.raises(Rejected) as caught:
            decide(self.state)
        assert caught.value.code == code
        for word in words:
            assert word in caught.value.message
