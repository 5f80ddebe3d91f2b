"""How far consumers are behind the streams that they read."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from libs.eventlog import streams
from libs.eventlog.nats_client import ApiError, Nats
from libs.eventlog.project import Position
from libs.telemetry.registry import Reading
from libs.telemetry.status import ProjectionStatus

_NOT_FOUND = (10037, 10014)  # no such message; no such consumer yet


class _Got(msgspec.Struct):
    class Message(msgspec.Struct):
        seq: int
        time: datetime

    message: Message


class Backlog(msgspec.Struct):
    """Of the durable consumer that all copies of a reaction share: events that are to come, and
    those that were delivered and are in work."""

    num_pending: int
    num_ack_pending: int


class Lag:
    """Of a projection: `position` is how far it is with what `stream` has on `subjects`."""

    def __init__(self, name: str, stream: str, subjects: Sequence[str], position: Position) -> None:
        self._name = name
        self._stream = stream
        self._subjects = subjects
        self._position = position

    async def measure(self, nats: Nats) -> ProjectionStatus:
        """`lag` counts from the first message that waits, others' between them included."""
        seq = self._position.seq
        waiting = [
            first
            for subject in self._subjects
            if (first := await _next(nats, self._stream, seq + 1, subject))
        ]
        if not waiting:
            return ProjectionStatus(self._name, self._stream, seq, 0, 0.0)
        end = await streams.last_seq(nats, self._stream)
        oldest = min(waiting, key=lambda message: message.seq)
        age = (datetime.now(UTC) - oldest.time).total_seconds()
        return ProjectionStatus(self._name, self._stream, seq, end - oldest.seq + 1, round(age, 3))

    async def readings(self, nats: Nats) -> list[Reading]:
        found = await self.measure(nats)
        labels = {"projection": found.name}
        return [
            Reading("rondo_projection_lag_events", "Messages to come.", found.lag, labels),
            Reading(
                "rondo_projection_lag_seconds",
                "Age of the oldest message that is not applied yet.",
                found.lag_seconds,
                labels,
            ),
            Reading("rondo_projection_sequence", "Place in the stream.", found.seq, labels),
        ]


async def _next(nats: Nats, stream: str, seq: int, subject: str) -> _Got.Message | None:
    """The first message from `seq` on, on a subject pattern."""
    try:
        body = await nats.api(
            f"STREAM.MSG.GET.{stream}", {"seq": seq, "next_by_subj": subject}, timeout=1.0
        )
    except ApiError as error:
        if error.code in _NOT_FOUND:
            return None
        raise
    return msgspec.json.decode(body, type=_Got).message


async def backlog(nats: Nats, reaction: str) -> Backlog | None:
    """The backlog of a reaction's consumer; None before it has been created."""
    try:
        body = await nats.api(f"CONSUMER.INFO.{streams.EVENTS}.{reaction}", timeout=1.0)
    except ApiError as error:
        if error.code in _NOT_FOUND:
            return None
        raise
    return msgspec.json.decode(body, type=Backlog)


async def of_reaction(nats: Nats, name: str) -> list[Reading]:
    found, labels = await backlog(nats, name), {"reaction": name}
    if found is None:
        return []
    return [
        Reading(
            "rondo_reaction_pending_events", "Events not delivered yet.", found.num_pending, labels
        ),
        Reading(
            "rondo_reaction_unacknowledged_events",
            "Events delivered and not dealt with yet.",
            found.num_ack_pending,
            labels,
        ),
    ]
