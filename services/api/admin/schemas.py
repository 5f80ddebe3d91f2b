"""Bodies and answers of the routes for administrators."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from libs.eventlog.dead_letters import DeadLetter
from libs.eventlog.hold import Held
from libs.telemetry.status import Environment


class Copy(msgspec.Struct, frozen=True):
    """A running copy of a service. `said_at` is when it last reported; `tzdata` is the version of
    its time zone rules."""

    service: str
    instance: str
    version: str
    started_at: datetime
    said_at: datetime | None
    tzdata: str = ""


class Consumer(msgspec.Struct, frozen=True):
    """A reaction: `pending` events are still to come, `unacknowledged` are being handled, `parked`
    are given up. All copies together use `used` of `places`."""

    name: str
    pending: int
    unacknowledged: int
    parked: int
    places: int
    used: int


class Projection(msgspec.Struct, frozen=True):
    """A projection: `lag` messages of `stream` are not in its rows yet, the oldest for so long."""

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
    """`requested` is the queue: runs that nobody has claimed yet."""

    requested: int
    running: int


class Stream(msgspec.Struct, frozen=True):
    name: str
    messages: int
    bytes: int
    last_seq: int


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """`parked` are the oldest hundred, `parked_count` is their number. `environments` are those of
    all packagers, the largest first. `held` exists while a restored platform waits to go on."""

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


class ParkedEvent(msgspec.Struct, frozen=True):
    """A parked event, by its reaction and its sequence in the log."""

    reaction: str
    seq: Annotated[int, msgspec.Meta(ge=1)]


class Retried(msgspec.Struct, frozen=True):
    """`done`; `failed`, with the new `error`; or `under_way` if it takes longer than 10 s."""

    outcome: Literal["done", "failed", "under_way"]
    error: str = ""
