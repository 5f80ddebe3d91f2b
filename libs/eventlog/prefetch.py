"""Reading a stream on while what has come of it is being used."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from libs.waiting.event import set_within

Item = TypeVar("Item")


class Ahead(Generic[Item]):
    """What has come and was not taken yet. While that is `most` or more, nothing else is read."""

    def __init__(self, stream: AsyncIterator[list[Item]], most: int) -> None:
        self._most = most
        self._waiting: list[Item] = []
        self._came = asyncio.Event()
        self._taken = asyncio.Event()
        self.reader = asyncio.create_task(self._read(stream))
        self.reader.add_done_callback(lambda _: self._came.set())

    async def _read(self, stream: AsyncIterator[list[Item]]) -> None:
        async for batch in stream:
            self._waiting += batch
            self._came.set()
            while len(self._waiting) >= self._most:
                self._taken.clear()
                await self._taken.wait()

    async def take(self, timeout: float | None) -> list[Item] | None:
        """All that has come, as soon as anything does; nothing after `timeout` seconds.

        None once the stream has ended; raises what it raised. Both after all that came before.
        """
        await set_within(self._came, timeout)
        if not self._waiting and self.reader.done():
            return self.reader.result()
        return self.rest()

    def rest(self) -> list[Item]:
        """All that has come by now."""
        taken, self._waiting = self._waiting, []
        self._taken.set()
        if not self.reader.done():
            self._came.clear()
        return taken


@asynccontextmanager
async def reading_ahead(stream: AsyncIterator[list[Item]], most: int) -> AsyncIterator[Ahead[Item]]:
    ahead = Ahead(stream, most)
    try:
        yield ahead
    finally:
        ahead.reader.cancel()
        await asyncio.wait({ahead.reader})
