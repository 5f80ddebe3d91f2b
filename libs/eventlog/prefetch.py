"""Reading a stream on while its last items are being used."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from libs.waiting.event import set_within

Item = TypeVar("Item")


class Prefetch(Generic[Item]):
    """Items that were read and not taken yet. At `max_items` or more, reading stops meanwhile."""

    def __init__(self, stream: AsyncIterator[list[Item]], max_items: int) -> None:
        self._max_items = max_items
        self._waiting: list[Item] = []
        self._arrival = asyncio.Event()
        self._room = asyncio.Event()
        self.reader = asyncio.create_task(self._read(stream))
        self.reader.add_done_callback(lambda _: self._arrival.set())

    async def _read(self, stream: AsyncIterator[list[Item]]) -> None:
        async for batch in stream:
            self._waiting += batch
            self._arrival.set()
            while len(self._waiting) >= self._max_items:
                self._room.clear()
                await self._room.wait()

    async def take(self, timeout: float | None) -> list[Item] | None:
        """All items that there are, as soon as there is one; [] after `timeout` seconds.

        None once the stream has ended and all was taken; then raises what the stream raised.
        """
        await set_within(self._arrival, timeout)
        if not self._waiting and self.reader.done():
            return self.reader.result()
        return self.rest()

    def rest(self) -> list[Item]:
        """All items that there are now."""
        taken, self._waiting = self._waiting, []
        self._room.set()
        if not self.reader.done():
            self._arrival.clear()
        return taken


@asynccontextmanager
async def prefetch(
    stream: AsyncIterator[list[Item]], max_items: int
) -> AsyncIterator[Prefetch[Item]]:
    """Reads `stream` in a task for as long as the block lasts, `max_items` ahead."""
    ahead = Prefetch(stream, max_items)
    try:
        yield ahead
    finally:
        ahead.reader.cancel()
        await asyncio.wait({ahead.reader})
