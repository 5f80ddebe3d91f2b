"""Turns at hashing, which costs memory and every core: two at once, the rest waits or is sent away.

Who is known here goes first. Strangers wait for one another, and only so many of them: an attacker
with many addresses can then fill the strangers' line, and nobody else's.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

AT_ONCE = 2
MAX_STRANGERS = 32  # in the line; a turn takes a tenth of a second or two


class Busy(Exception):
    """Too many strangers wait already; nothing was done."""


class Turns:
    def __init__(self) -> None:
        self._free = AT_ONCE
        self._numbers = count()
        self._line: list[tuple[bool, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def taken(self, *, known: bool) -> AsyncIterator[None]:
        """Holds a turn while the block lasts. Raises Busy for a stranger at a full line."""
        await self._take(stranger=not known)
        try:
            yield
        finally:
            self._pass_on()

    async def _take(self, *, stranger: bool) -> None:
        if self._free:
            self._free -= 1
            return
        strangers = sum(strange for strange, _, waits in self._line if not waits.done())
        if stranger and strangers >= MAX_STRANGERS:
            raise Busy
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._line, (stranger, next(self._numbers), mine))
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # the turn came at the same moment
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._line:
            _, _, first = heapq.heappop(self._line)
            if not first.done():  # else who waited has gone
                first.set_result(None)
                return
        self._free += 1
