"""An event for subscribers: CloudEvents 1.0 in structured mode, as JSON."""

from datetime import datetime
from typing import Literal

import msgspec

from libs.domain.events import SEALED, Event, encode
from libs.eventlog.envelope import SCHEMA_VERSION, Recorded


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Who, when and why, about `data`, which is the event as it lies in the log.

    `sequence` is its place in the log, `subject` what it happened to (`task/<id>`), `source` the
    service that published it. `actor` is the id of the user, or the name of the service, who did
    so. All that one request led to has its `correlationid`; `causationid` is the `id` of the event
    that this one answers. What lies in no workspace has `workspaceid` 0.
    """

    specversion: Literal["1.0"] = "1.0"
    id: str
    type: str
    source: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    schemaversion: str
    correlationid: str
    causationid: str | msgspec.UnsetType = msgspec.UNSET
    actor: str
    sequence: int
    workspaceid: int
    data: msgspec.Raw

    @staticmethod
    def of(event: Recorded) -> "CloudEvent":
        return CloudEvent(
            id=event.id,
            type=type(event.event).__name__,
            source=f"/rondo/{event.source}",
            subject=f"{event.stream.aggregate}/{event.stream.id}",
            time=event.at,
            schemaversion=SCHEMA_VERSION,
            correlationid=event.correlation,
            causationid=event.causation or msgspec.UNSET,
            actor=event.actor,
            sequence=event.seq,
            workspaceid=event.stream.workspace,
            data=msgspec.Raw(_shown(event.event)),
        )


def to_json(event: Recorded) -> bytes:
    """As `application/cloudevents+json`."""
    return msgspec.json.encode(CloudEvent.of(event))


def _shown(event: Event) -> bytes:
    """As in the log, but for what is sealed."""
    sealed = SEALED.get(type(event).__name__)
    if sealed is None:
        return encode(event)
    fields = msgspec.to_builtins(event)
    del fields[sealed]
    return msgspec.json.encode(fields)
