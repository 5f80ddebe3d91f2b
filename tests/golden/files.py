"""The golden files: events as they lie in the log, beside what they mean.

They are the contract with every log that was ever written, so they are never edited. For a new
event, or a new history, add it to examples.py and run once by hand

    python -m tests.golden.files

which writes the files that are not there yet and leaves the others alone.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid5

import msgspec

from libs.domain.events import Event, encode
from libs.domain.history import fold
from libs.domain.ids import StreamId
from libs.domain.registry import AGGREGATES
from libs.eventlog.envelope import Context, Recorded, from_headers, to_headers
from tests.golden.examples import EXAMPLES, HISTORIES, NOON, TASK

HERE = Path(__file__).parent
# What differs at every append.
_DRAWN = ("Nats-Msg-Id", "ce-id", "ce-time")


class Message(msgspec.Struct, frozen=True):
    """As published. `body` is the exact text, in UTF-8."""

    seq: int
    subject: str
    headers: dict[str, str]
    body: str

    def read(self) -> Recorded:
        return from_headers(self.seq, self.subject, self.headers, self.body.encode())


class GoldenEvent(msgspec.Struct, frozen=True):
    """`means` is every field of what the message is read as, defaults written out."""

    message: Message
    means: dict[str, Any]


class GoldenHistory(msgspec.Struct, frozen=True):
    messages: list[Message]
    state: dict[str, Any]


def event_files() -> list[Path]:
    return sorted((HERE / "events").glob("*.json"))


def history_files() -> list[Path]:
    return sorted((HERE / "histories").glob("*.json"))


def spelled_out(value: object) -> Any:
    """A struct as JSON has it, with the fields that its defaults leave out."""
    if isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
        found = {name: spelled_out(getattr(value, name)) for name in names}
        tag = value.__struct_config__.tag
        return {"type": tag, **found} if tag else found
    if isinstance(value, dict):
        return {key: spelled_out(each) for key, each in value.items()}
    return msgspec.to_builtins(value)


def published(stream: StreamId, event: Event) -> tuple[dict[str, str], bytes]:
    """The headers that today's code gives an event, without what is drawn at every append."""
    context = Context(source="golden", actor="ann", correlation="c-1", causation="e-0")
    found = to_headers(stream, event, context)
    return {name: value for name, value in found.items() if name not in _DRAWN}, encode(event)


def folded(messages: list[Message]) -> Any:
    facts = [message.read() for message in messages]
    return spelled_out(fold(AGGREGATES[facts[0].stream.aggregate].evolve, facts))


def _message(name: str, seq: int, at: datetime = NOON) -> Message:
    stream, event = EXAMPLES[name]
    found, body = published(stream, event)
    id = str(uuid5(TASK, f"{name} {seq}"))
    time = at.isoformat(timespec="microseconds")
    drawn = {"Nats-Msg-Id": id, "ce-id": id, "ce-time": time}
    return Message(seq, stream.subject, {**found, **drawn}, body.decode())


def _write(path: Path, golden: GoldenEvent | GoldenHistory) -> None:
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(golden), indent=2) + b"\n")


def write_missing() -> None:
    for name in EXAMPLES:
        message = _message(name, 41)
        _write(HERE / "events" / f"{name}.json", GoldenEvent(message, spelled_out(message.read())))
    for name, events in HISTORIES.items():
        messages = [
            _message(event, 41 + number, NOON + timedelta(seconds=number))
            for number, event in enumerate(events)
        ]
        _write(HERE / "histories" / f"{name}.json", GoldenHistory(messages, folded(messages)))


if __name__ == "__main__":
    write_missing()
