"""Server-sent events (HTML, 9.2) out of bytes as they come. Lines end with a line feed, or with a
carriage return and a line feed."""

from collections.abc import Iterator
from typing import NamedTuple


class Event(NamedTuple):
    """`id` is empty when it has none of its own; `kind` is `message` unless the server says."""

    id: str
    kind: str
    data: str


class Parser:
    def __init__(self) -> None:
        self._rest = b""
        self._fields: dict[str, list[str]] = {}

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that are whole now. One that never gets its empty line never was."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            text = line.removesuffix(b"\r").decode("utf-8", "replace")
            if text:
                name, _, value = text.partition(":")
                self._fields.setdefault(name, []).append(value.removeprefix(" "))
            elif fields := self._taken():
                yield _event(fields)

    def _taken(self) -> dict[str, list[str]] | None:
        """Those of an event: without data it is none."""
        fields, self._fields = self._fields, {}
        return fields if "data" in fields else None


def _event(fields: dict[str, list[str]]) -> Event:
    id, kind = fields.get("id", [""])[-1], fields.get("event", ["message"])[-1]
    return Event(id, kind, "\n".join(fields["data"]))
