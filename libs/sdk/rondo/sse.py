"""Server-sent events (HTML, 9.2) out of bytes as they come.

Lines end with a line feed, or with a carriage return and a line feed.
"""

from collections.abc import Iterator
from typing import NamedTuple


class Event(NamedTuple):
    """One event. Without an id it has that of the one before; `kind` is `message` by default."""

    id: str
    kind: str
    data: str


class Parser:
    """Makes events of bytes.

    `last` is the id to resume after; a server may move it without an event.
    """

    def __init__(self, last: str = "") -> None:
        self.last = last
        self._rest = b""
        self._fields: dict[str, list[str]] = {}

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that are complete with these bytes. The empty line after one completes it."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            text = line.removesuffix(b"\r").decode("utf-8", "replace")
            if text:
                name, _, value = text.partition(":")
                self._fields.setdefault(name, []).append(value.removeprefix(" "))
            elif event := self._event():
                yield event

    def _event(self) -> Event | None:
        """None when it has no data."""
        fields, self._fields = self._fields, {}
        self.last = fields.get("id", [self.last])[-1]
        kind = fields.get("event", ["message"])[-1]
        return Event(self.last, kind, "\n".join(fields["data"])) if "data" in fields else None
