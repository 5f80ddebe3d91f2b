"""Who, when and why: CloudEvents 1.0 in binary mode, on NATS headers.

`ce-id` is also the `Nats-Msg-Id`, by which an append recognises its own work after a time-out.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from libs.domain.events import Event, decode
from libs.domain.ids import StreamId
from libs.eventlog.message import Message

SCHEMA_VERSION = "1"


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The circumstances of an append.

    `source` is the service, `actor` the user's id or the service's name; `correlation` is shared
    by everything that one request set off, `causation` is the id of the event that led to this,
    and `since` is when that happened. `traceparent` is the span that this is part of (W3C Trace
    Context), empty where nobody traces. `id` and `at` are the event's own, given where what goes
    into the log with it depends on them; else an append makes them up.
    """

    source: str
    actor: str
    correlation: str = ""
    causation: str = ""
    since: datetime | None = None
    traceparent: str = ""
    id: str = ""
    at: datetime | None = None


class Recorded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event as it lies in the log; `seq` is its place there, `at` its CloudEvents time."""

    seq: int
    id: str
    stream: StreamId
    event: Event
    at: datetime
    actor: str
    source: str
    correlation: str
    causation: str
    traceparent: str = ""

    def because(self, source: str) -> Context:
        """The context of what `source` does in answer to this event."""
        return Context(
            source=source,
            actor=source,
            correlation=self.correlation,
            causation=self.id,
            since=self.at,
            traceparent=self.traceparent,
        )


def headers(stream: StreamId, event: Event, context: Context) -> dict[str, str]:
    id = context.id or str(uuid4())
    found = {
        "Nats-Msg-Id": id,
        "ce-specversion": "1.0",
        "ce-id": id,
        "ce-type": type(event).__name__,
        "ce-source": f"/rondo/{context.source}",
        "ce-subject": f"{stream.aggregate}/{stream.id}",
        "ce-time": (context.at or datetime.now(UTC)).isoformat(timespec="microseconds"),
        "ce-actor": context.actor,
        "ce-correlationid": context.correlation or id,
        "ce-schemaversion": SCHEMA_VERSION,
        "content-type": "application/json",
    }
    if context.causation:
        found["ce-causationid"] = context.causation
    if context.traceparent:
        found["traceparent"] = context.traceparent
    return found


# Headers as `headers` writes them, found in one go; what an append adds comes after them.
_WRITTEN = re.compile(
    "NATS/1.0\r\nNats-Msg-Id: [^\r]*\r\nce-specversion: [^\r]*\r\nce-id: ([^\r]*)\r\n"
    "ce-type: [^\r]*\r\nce-source: /rondo/([^\r]*)\r\nce-subject: [^\r]*\r\n"
    "ce-time: ([^\r]*)\r\nce-actor: ([^\r]*)\r\nce-correlationid: ([^\r]*)\r\n"
    "ce-schemaversion: [^\r]*\r\ncontent-type: [^\r]*\r\n"
    "(?:ce-causationid: ([^\r]*)\r\n)?(?:traceparent: ([^\r]*)\r\n)?(?!ce-|traceparent)"
)


def read(seq: int, message: Message) -> Recorded:
    """As `recorded` does, which it leaves headers to that somebody else has written."""
    found = _WRITTEN.match(message.block.decode(errors="replace"))
    if found is None:
        return recorded(seq, message.subject, message.headers, message.data)
    id, source, at, actor, correlation, causation, traceparent = found.groups("")
    return Recorded(
        seq=seq,
        id=id,
        stream=StreamId.of_subject(message.subject),
        event=decode(message.data),
        at=datetime.fromisoformat(at),
        actor=actor,
        source=source,
        correlation=correlation,
        causation=causation,
        traceparent=traceparent,
    )


def recorded(seq: int, subject: str, given: Mapping[str, str], data: bytes) -> Recorded:
    """ValueError (msgspec.ValidationError is one) or KeyError when it is no event of ours."""
    return Recorded(
        seq=seq,
        id=given["ce-id"],
        stream=StreamId.of_subject(subject),
        event=decode(data),
        at=datetime.fromisoformat(given["ce-time"]),
        actor=given["ce-actor"],
        source=given["ce-source"].removeprefix("/rondo/"),
        correlation=given["ce-correlationid"],
        causation=given.get("ce-causationid", ""),
        traceparent=given.get("traceparent", ""),
    )
