"""One tail of the log for the whole process. It publishes every event to all who listen.

A projection feeds it, so whoever hears of an event finds it in the rows already, and listeners cost
no consumers of their own. A slow listener keeps what it had room for and learns that the rest is
missing: it reads that from the log.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from libs.eventlog.envelope import Recorded
from libs.eventlog.project import Projection
from libs.postgres.pool import Connection
from libs.waiting.event import set_within

MAX_WAITING = 1000

Wants = Callable[[Recorded], bool]


class Listener:
    """What has come and is wanted; once there was too much of it, what came first."""

    def __init__(self, wants: Wants) -> None:
        self._wants = wants
        self._waiting: deque[Recorded] = deque()
        self._came = asyncio.Event()
        self._full = False
        self.closed = False

    @property
    def behind(self) -> bool:
        """Nothing waits any more, and something was left out after what did."""
        return self._full and not self._waiting

    @property
    def idle(self) -> bool:
        """All that came has been taken."""
        return not self._full and not self._waiting

    def offer(self, batch: Sequence[Recorded]) -> None:
        """`wants` is asked about every event, also about those that there is no room for."""
        wanted = [event for event in batch if self._wants(event)]
        if not wanted or self._full:
            return
        self._full = len(self._waiting) + len(wanted) > MAX_WAITING
        self._waiting.extend(wanted[: MAX_WAITING - len(self._waiting)])
        self._came.set()

    def close(self) -> None:
        self.closed = True
        self._came.set()

    async def take(self, timeout: float) -> list[Recorded]:
        """What waits, as soon as anything does; nothing after `timeout` seconds."""
        if not await set_within(self._came, timeout):
            return []
        self._came.clear()
        taken = list(self._waiting)
        self._waiting.clear()
        return taken


class Tail:
    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._closed = False

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    @contextmanager
    def listen(self, wants: Wants) -> Iterator[Listener]:
        """Hears of every batch from now on."""
        listener = Listener(wants)
        self._listeners.add(listener)
        if self._closed:
            listener.close()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def publish(self, batch: Sequence[Recorded]) -> None:
        for listener in self._listeners:
            listener.offer(batch)

    async def close(self, _: object = None) -> None:
        """The service ends: so does all that listens, and no connection holds it up."""
        self._closed = True
        for listener in self._listeners:
            listener.close()


class TailedProjection:
    """A projection whose batches a tail publishes once their rows can be read."""

    def __init__(self, projection: Projection[Recorded], tail: Tail) -> None:
        self.name = projection.name
        self._projection = projection
        self._tail = tail

    async def load(self, connection: Connection) -> None:
        await self._projection.load(connection)

    def received(self, batch: Sequence[Recorded]) -> None:
        self._projection.received(batch)

    async def apply(self, connection: Connection, fresh: Sequence[Recorded]) -> None:
        await self._projection.apply(connection, fresh)

    def applied(self, batch: Sequence[Recorded]) -> None:
        self._projection.applied(batch)
        self._tail.publish(batch)
