"""What each copy of each service says of itself: a message a copy in a stream, gone soon after it.

For people who look at the platform, so nothing is decided by it; who is alive as far as runs are
concerned is in lease.py.
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

TTL = 45
_EVERY = 5.0  # seconds
_MOST = 1000
_NAMED = 5  # packages, in words


class Places(msgspec.Struct, frozen=True):
    """How many handlers of a reaction this copy runs at once, and how many it is running."""

    reaction: str
    total: int
    used: int


class Projected(msgspec.Struct, frozen=True):
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
        more = len(self.fetching) - _NAMED
        rest = f" and {more} more" if more > 0 else ""
        return f"fetching {', '.join(self.fetching[:_NAMED])}{rest}"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The places of the reaction `executor` are an executor's slots; `environments` and `builds`
    are the packager's. `tzdata` is the version of the rules that it has for time zones."""

    service: str
    instance: str
    version: str
    started_at: datetime
    said_at: datetime | None = None
    reactions: list[Places] = []
    projections: list[Projected] = []
    environments: list[Environment] = []
    tzdata: str = ""
    builds: list[Building] = []


async def tell(nats: Nats, status: Callable[[], Awaitable[Status]]) -> None:
    """Says for ever what `status` gives, also where it is what it was: whether the server stores
    what it is given is seen by that (libs/eventlog/append_health.py)."""
    while True:
        try:
            await _say(nats, await status())
        except (Unavailable, ApiError) as problem:
            logger.debug("can't say how we are: %s", problem)
        await asyncio.sleep(_EVERY)


async def _say(nats: Nats, status: Status) -> None:
    stamped = msgspec.structs.replace(status, said_at=datetime.now(UTC))
    subject = f"status.{status.service}.{status.instance}"
    await nats.append(subject, msgspec.json.encode(stamped), {"Nats-TTL": str(TTL)})


async def everybody(nats: Nats) -> list[Status]:
    """What they have said last, by service."""
    found = []
    async for message in direct_get(nats, streams.STATUS, "status.>", _MOST):
        try:
            found.append(msgspec.json.decode(message.data, type=Status))
        except msgspec.ValidationError as problem:  # during an upgrade: of another version
            logger.debug("%s is left out: %s", message.headers.get("Nats-Subject"), problem)
    return sorted(found, key=lambda status: (status.service, status.instance))
