"""The platform as administrators see it: who is there, how far they are, what is stuck.

`GET /v1/api/admin/platform` answers a `Platform`; its parts are described where they are defined.
Services are asked nothing: each copy says how it is, now and then (libs/telemetry/status.py), so a
copy that has just died stays in sight for up to 45 s, with an old `said_at`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from libs.eventlog import dead_letters as parked
from libs.eventlog import hold as held
from libs.eventlog import streams
from libs.eventlog.dead_letters import DeadLetter
from libs.eventlog.hold import Held
from libs.eventlog.nats_client import Nats
from libs.telemetry import status
from libs.telemetry.lag import backlog
from libs.telemetry.registry import Reading, Source
from libs.telemetry.status import Environment, Projected, Status
from services.api.read_model.row_types import Rows
from services.api.read_model.runs import count_open_runs

STREAMS = (streams.EVENTS, streams.LOGS, streams.PARKED)
REACTIONS = ("executor", "packager", "shredder")  # shown also where nothing of theirs is parked


class Copy(msgspec.Struct, frozen=True):
    """A running copy of a service, and when it last said so; `tzdata` is the version of the rules
    that it has for time zones."""

    service: str
    instance: str
    version: str
    started_at: datetime
    said_at: datetime | None
    tzdata: str = ""


class Consumer(msgspec.Struct, frozen=True):
    """A reaction: `pending` events to come, `unacknowledged` in work, `parked` given up; `used` of
    `places` are taken in all copies together."""

    name: str
    pending: int
    unacknowledged: int
    parked: int
    places: int
    used: int


class Projection(msgspec.Struct, frozen=True):
    """Rows of one service: `lag` messages of `stream` are to come, the oldest since so long."""

    service: str
    instance: str
    name: str
    stream: str
    seq: int
    lag: int
    lag_seconds: float


class Executor(msgspec.Struct, frozen=True):
    instance: str
    slots: int
    used: int


class Runs(msgspec.Struct, frozen=True):
    """`requested` is the queue: nobody has claimed them yet."""

    requested: int
    running: int


class Stream(msgspec.Struct, frozen=True):
    name: str
    messages: int
    bytes: int
    last_seq: int


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """`parked` are the oldest hundred; `parked_count` is how many there are. `environments` are
    those of all packagers, the largest first. `held` is there while a restored copy does nothing by
    itself."""

    copies: list[Copy]
    runs: Runs
    executors: list[Executor]
    consumers: list[Consumer]
    projections: list[Projection]
    streams: list[Stream]
    environments: list[Environment]
    parked: list[DeadLetter]
    parked_count: int
    held: Held | None = None


async def look(nats: Nats, rows: Rows) -> Platform:
    said = await status.everybody(nats)
    count = await parked.counts(nats)
    reactions = sorted({places.reaction for one in said for places in one.reactions})
    return Platform(
        copies=[_copy(one) for one in said],
        runs=Runs(*await count_open_runs(rows)),
        executors=[
            Executor(one.instance, places.total, places.used)
            for one in said
            for places in one.reactions
            if one.service == "executor"
        ],
        consumers=[await _consumer(nats, name, said, count[name]) for name in reactions],
        projections=[_projection(one, row) for one in said for row in one.projections],
        streams=[await _stream(nats, name) for name in STREAMS],
        environments=environments_of(said),
        parked=await parked.oldest(nats, 100),
        parked_count=count.total(),
        held=await held.current(nats),
    )


def _copy(said: Status) -> Copy:
    return Copy(
        said.service, said.instance, said.version, said.started_at, said.said_at, said.tzdata
    )


def _projection(said: Status, row: Projected) -> Projection:
    return Projection(said.service, said.instance, *msgspec.structs.astuple(row))


async def _consumer(nats: Nats, name: str, said: Sequence[Status], parked: int) -> Consumer:
    found = await backlog(nats, name)
    mine = [places for one in said for places in one.reactions if places.reaction == name]
    return Consumer(
        name,
        found.num_pending if found else 0,
        found.num_ack_pending if found else 0,
        parked,
        sum(places.total for places in mine),
        sum(places.used for places in mine),
    )


async def _stream(nats: Nats, name: str) -> Stream:
    found = await streams.state(nats, name)
    return Stream(name, found.messages, found.bytes, found.last_seq)


def environments_of(said: Iterable[Status]) -> list[Environment]:
    """Packagers that share a folder see the same ones."""
    found = {environment.id: environment for one in said for environment in one.environments}
    return sorted(found.values(), key=lambda environment: -environment.bytes)


def readings(nats: Nats) -> Source:
    """What belongs to no service in particular, for the metrics of this one."""

    async def read() -> list[Reading]:
        states = {name: await streams.state(nats, name) for name in STREAMS}
        waiting = await parked.counts(nats)
        return [
            *(
                Reading("rondo_stream_messages", "Messages kept.", found.messages, {"stream": name})
                for name, found in states.items()
            ),
            *(
                Reading("rondo_stream_bytes", "Bytes on disk.", found.bytes, {"stream": name})
                for name, found in states.items()
            ),
            *(
                Reading(
                    "rondo_parked_events", "Events given up.", waiting[name], {"reaction": name}
                )
                for name in {*REACTIONS, *waiting}
            ),
        ]

    return read
