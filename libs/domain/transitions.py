"""Which status may follow which, and by which event: a table an aggregate.

Decisions refuse what the table does not allow. `evolve` goes by where an event leads, whatever was
before: it reads logs of every age.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from libs.domain.events import Event

Status = TypeVar("Status", bound=str)


class Transition(msgspec.Struct, Generic[Status], frozen=True):
    """`event` leads from any of `sources` to one of `targets`. What creates has no sources."""

    event: type[Event]
    sources: tuple[Status, ...]
    targets: tuple[Status, ...]


class Transitions(Generic[Status]):
    """An event has several rows where it leads to other statuses from others; one without a row
    changes no status."""

    def __init__(self, *rows: Transition[Status]) -> None:
        self._rows = rows
        self._sources = {
            kind: {source for row in rows if row.event is kind for source in row.sources}
            for kind in {row.event for row in rows}
        }

    def __iter__(self) -> Iterator[Transition[Status]]:
        return iter(self._rows)

    def allow(self, status: Status, event: type[Event]) -> bool:
        """Whether `event` may happen to what has that status."""
        return status in self._sources[event]

    def target(self, event: type[Event]) -> Status:
        """The status that `event` leads to. ValueError if it may lead to several."""
        (status,) = {target for row in self._rows if row.event is event for target in row.targets}
        return status
