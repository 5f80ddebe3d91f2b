"""The readers in this process that wait for lines, by run."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Arrivals:
    """Runs are named by their id's text. To miss nothing: clear the event, read, then wait."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def watch(self, run: str) -> Iterator[asyncio.Event]:
        """The event is set whenever there are new lines of the run, or its end."""
        event = asyncio.Event()
        watchers = self._waiting.setdefault(run, set())
        watchers.add(event)
        try:
            yield event
        finally:
            watchers.discard(event)
            if not watchers:
                self._waiting.pop(run, None)

    def announce(self, runs: Iterable[str]) -> None:
        """Wakes the readers of these runs, whose rows can be read now."""
        if self._waiting:
            for run in self._waiting.keys() & set(runs):
                self._wake(run)

    def announce_all(self) -> None:
        """Wakes all readers: there may be new rows of any run."""
        for run in self._waiting:
            self._wake(run)

    def _wake(self, run: str) -> None:
        for event in self._waiting[run]:
            event.set()
