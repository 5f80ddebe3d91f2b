"""A mapping of bounded size: a new key pushes out the one that was set longest ago."""

from collections.abc import Iterator, MutableMapping
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class BoundedCache(MutableMapping[Key, Value]):
    """Holds the `max_size` keys that were set last. To set a key again makes it the newest;
    to read one does not."""

    def __init__(self, max_size: int) -> None:
        if max_size < 1:
            raise ValueError("max_size: give at least 1")
        self._max_size = max_size
        self._entries: dict[Key, Value] = {}

    def __getitem__(self, key: Key) -> Value:
        return self._entries[key]

    def __setitem__(self, key: Key, value: Value) -> None:
        self._entries.pop(key, None)
        if len(self._entries) >= self._max_size:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = value

    def __delitem__(self, key: Key) -> None:
        del self._entries[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
