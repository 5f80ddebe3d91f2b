"""A relation of rows that stand side by side: read for all of them when the first is asked for it.

So a list of 500 rows with a relation is two statements, and one if nobody asks for the relation.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Batch(Generic[Key, Value]):
    """`load` gets the keys of all rows, and gives what it has found, by key."""

    def __init__(
        self,
        keys: Sequence[Key],
        load: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]],
    ) -> None:
        self._keys = keys
        self._load = load
        self._loading: asyncio.Future[Mapping[Key, Value]] | None = None

    async def of(self, key: Key) -> Value | None:
        if self._loading is None:
            distinct = list(dict.fromkeys(self._keys))
            self._loading = asyncio.ensure_future(self._load(distinct))
        return (await self._loading).get(key)
