"""What each copy of each service says of itself: a message in a stream, gone soon after the copy.

It is for people who look at the platform, so nothing is decided by it. Whether an executor is alive
is decided by its lease (libs/eventlog/lease.py).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec

from libs.domain.errors import Unavailable
from libs.eventlog import streams
from libs.eventlog.follow import direct_get
from libs.eventlog.nats_client import ApiError, Nats

logger = logging.getLogger(__name__)

TTL = 45  # seconds
_PERIOD_SECONDS = 5.0
_MAX_COPIES = 1000
_MAX_NAMED = 5  # packages, in words


class ReactionSlots(msgspec.Struct, frozen=True):
    """How many handlers of a reaction this copy runs at once, and how many it is running."""

    reaction: str
    total: int
    used: int


class ProjectionStatus(msgspec.Struct, frozen=True):
    """How far a projection's rows are: events of `stream` up to `seq`, `lag` more to come."""

    name: str
    stream: str
    seq: int
    lag: int
    lag_seconds: float


class Environment(msgspec.Struct, frozen=True):
    """`bytes` is of all its files, `own_bytes` of those that no other shares: what removing it
    would free. `in_use`: a task that may yet run needs it."""

    id: str
    bytes: int
    own_bytes: int
    last_used_at: datetime
    in_use: bool


class Building(msgspec.Struct, frozen=True):
    """A build under way: what it is at since `seconds`, what is being fetched (`torch (730.2MiB)`),
    and how many bytes have come so far."""

    orchestration: str
    step: str
    fetching: list[str]
    bytes: int
    seconds: int

    @property
    def doing(self) -> str:
        """For people: `fetching torch (730.2MiB), triton (150.1MiB) and 3 more`, or the step."""
        if not self.fetching:
            return self.step
        more = len(self.fetching) - _MAX_NAMED
        rest = f" and {more} more" if more > 0 else ""
        return f"fetching {', '.join(self.fetching[:_MAX_NAMED])}{rest}"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The slots of the reaction `executor` are an executor's slots; `environments` and `builds`
    are the packager's. `tzdata` is the version of the rules that it has for time zones."""

    service: str
    instance: str
    version: str
    started_at: datetime
    said_at: datetime | None = None
    reactions: list[ReactionSlots] = []
    projections: list[ProjectionStatus] = []
    environments: list[Environment] = []
    tzdata: str = ""
    builds: list[Building] = []


async def publish(nats: Nats, status: Callable[[], Awaitable[Status]]) -> None:
    """Publishes what `status` gives, for ever. It does so also where nothing has changed: these
    appends show whether the server stores what it is given (libs/eventlog/append_health.py)."""
    while True:
        try:
            await _publish_once(nats, await status())
        except (Unavailable, ApiError) as problem:
            logger.debug("can't say how we are: %s", problem)
        await asyncio.sleep(_PERIOD_SECONDS)


async def _publish_once(nats: Nats, status: Status) -> None:
    stamped = msgspec.structs.replace(status, said_at=datetime.now(UTC))
    subject = f"status.{status.service}.{status.instance}"
    await nats.append(subject, msgspec.json.encode(stamped), {"Nats-TTL": str(TTL)})


async def read_all(nats: Nats) -> list[Status]:
    """The last status of every copy, by service. Raises Unavailable."""
    found = []
    async for message in direct_get(nats, streams.STATUS, "status.>", _MAX_COPIES):
        try:
            found.append(msgspec.json.decode(message.data, type=Status))
        except msgspec.ValidationError as problem:  # during an upgrade: of another version
            logger.debug("%s is left out: %s", message.headers.get("Nats-Subject"), problem)
    return sorted(found, key=lambda status: (status.service, status.instance))
