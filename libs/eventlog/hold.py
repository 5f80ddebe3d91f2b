"""A restored platform is held: it does nothing by itself until an administrator releases it.

It may be a trial beside the one that it was saved from, whose schedules and webhooks go on there.
So while a message lies in the stream HELD, nothing is requested, claimed or delivered. Reads and
commands go on. Holding and releasing concern all copies of all services.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec

from libs.domain.errors import Unavailable
from libs.eventlog import streams
from libs.eventlog.follow import direct_get
from libs.eventlog.nats_client import Nats, checked

logger = logging.getLogger(__name__)

_SUBJECT = "held"
_POLL_SECONDS = 0.5  # while it is held


class Held(msgspec.Struct, frozen=True):
    """Held since when; `saved_at` is when the backup was made that it was restored from."""

    since: datetime
    saved_at: str

    def __str__(self) -> str:
        return (
            f"this is a copy, restored from a backup of {self.saved_at}: it runs nothing and sends"
            " no webhook until an administrator says `rondo resume --all`"
        )


async def hold(nats: Nats, saved_at: str) -> None:
    """Holds the platform. Call it before any service is started. Raises Unavailable, ApiError."""
    await streams.create(nats, names=(streams.HELD,))
    text = msgspec.json.encode(Held(datetime.now(UTC), saved_at))
    checked((await nats.request(_SUBJECT, text)).data)


async def current(nats: Nats) -> Held | None:
    """Since when the platform is held, or None. Raises Unavailable."""
    if not (await streams.state(nats, streams.HELD)).messages:
        return None
    async for message in direct_get(nats, streams.HELD, _SUBJECT, 1):
        return msgspec.json.decode(message.data, type=Held)
    return None


async def release(nats: Nats) -> None:
    """Releases the platform; does nothing where it is not held. Raises Unavailable, ApiError."""
    await nats.api(f"STREAM.PURGE.{streams.HELD}")


async def run_when_released(nats: Nats, work: Callable[[], Awaitable[None]]) -> None:
    """Awaits `work()` as soon as nothing holds the platform. The streams must be there."""
    warned = False
    while True:
        try:
            if (state := await current(nats)) is None:
                break
            if not warned:
                logger.warning("%s", state)
            warned = True
        except Unavailable as problem:
            logger.warning("can't see whether the platform is held: %s", problem)
        await asyncio.sleep(_POLL_SECONDS)
    if warned:
        logger.info("released: going on")
    await work()
