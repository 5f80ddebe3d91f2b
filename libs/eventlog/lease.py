"""Who is alive: a message a holder in a stream, gone `TTL` seconds after the last renewal.

No key-value bucket: its markers of expired keys get in the way of taking a lease anew.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import msgspec

from libs.domain.errors import Unavailable
from libs.eventlog.patience import back_off
from libs.eventlog.streams import LEASE
from libs.eventlog.wire import ApiError, Nats, checked

logger = logging.getLogger(__name__)

TTL = 5
_RENEW_EVERY = 1.5


class _Info(msgspec.Struct):
    class State(msgspec.Struct):
        subjects: dict[str, int] | None = None

    state: State


async def hold(
    nats: Nats,
    holder: str,
    lapsed: Callable[[], Awaitable[None]],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Renews `lease.<holder>` for ever. Holders have unique names, so there is no contention.

    `lapsed` is called when it has come too late, because we were stopped or NATS was away: others
    may have taken us for dead.
    """
    tries = 0
    renewed = clock()
    while True:
        try:
            answer = await nats.request(f"lease.{holder}", b"", {"Nats-TTL": str(TTL)})
            checked(answer.data)
            before, renewed, tries = renewed, clock(), 0
            if renewed - before > TTL:
                await lapsed()
            await asyncio.sleep(_RENEW_EVERY)
        except (Unavailable, ApiError) as problem:
            logger.warning("can't renew the lease of %s: %s", holder, problem)
            await back_off(tries)
            tries += 1


async def holders(nats: Nats) -> set[str]:
    """Who holds a lease now. Raises Unavailable, never a guess."""
    body = await nats.api(f"STREAM.INFO.{LEASE}", {"subjects_filter": "lease.>"})
    subjects = msgspec.json.decode(body, type=_Info).state.subjects or {}
    return {subject.removeprefix("lease.") for subject in subjects}
