"""A restored platform is held: it does nothing by itself until somebody lets it go.

It may be a trial beside the one that it was saved from, whose schedules and webhooks go on there.
So while a message lies in the stream HELD, nothing is asked for, claimed or delivered; reading and
commands go on. Who holds or releases it does so for all copies of all services.
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
_EVERY = 0.5  # seconds between two looks, while it is held


class Held(msgspec.Struct, frozen=True):
    """`saved_at` is when the backup was made that it was restored from."""

    since: datetime
    saved_at: str

    def __str__(self) -> str:
        return (
            f"this is a copy, restored from a backup of {self.saved_at}: it runs nothing and sends"
            " no webhook until an administrator says `rondo resume --all`"
        )


async def hold(nats: Nats, saved_at: str) -> None:
    """Before any service is started on it."""
    await streams.create(nats, names=(streams.HELD,))
    text = msgspec.json.encode(Held(datetime.now(UTC), saved_at))
    checked((await nats.request(_SUBJECT, text)).data)


async def found(nats: Nats) -> Held | None:
    """None where nothing is held. Raises Unavailable."""
    if not (await streams.state(nats, streams.HELD)).messages:
        return None
    async for message in direct_get(nats, streams.HELD, _SUBJECT, 1):
        return msgspec.json.decode(message.data, type=Held)
    return None


async def release(nats: Nats) -> None:
    """Once more does nothing."""
    await nats.api(f"STREAM.PURGE.{streams.HELD}")


async def once_released(nats: Nats, work: Callable[[], Awaitable[None]]) -> None:
    """Does `work`, as soon as nothing holds it. The streams must be there."""
    said = False
    while True:
        try:
            if (state := await found(nats)) is None:
                break
            if not said:
                logger.warning("%s", state)
            said = True
        except Unavailable as problem:
            logger.warning("can't see whether the platform is held: %s", problem)
        await asyncio.sleep(_EVERY)
    if said:
        logger.info("released: going on")
    await work()
