"""Who is alive: a message a holder in a stream, gone `TTL` seconds after the last renewal.

No key-value bucket: its markers of expired keys get in the way of taking a lease anew.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

import msgspec

from libs.domain.errors import Unavailable
from libs.eventlog.nats_client import ApiError, Nats
from libs.eventlog.streams import LEASE
from libs.waiting.retry import back_off

logger = logging.getLogger(__name__)

TTL = 5
_RENEW_EVERY = 1.5
_WRONG_SEQUENCE = 10071
_EXPECTED = "Nats-Expected-Last-Subject-Sequence"


class _Info(msgspec.Struct):
    class State(msgspec.Struct):
        subjects: dict[str, int] | None = None

    state: State


class _Renewed(msgspec.Struct):
    seq: int


def since_boot() -> float:
    """Seconds, with those in which the machine slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """Of one holder. Holders have unique names, so there is no contention.

    `lapsed` is called when a renewal has come too late, because we were stopped or NATS was away:
    others may have taken us for dead. Both the clock and the server say so, which no longer has
    the last renewal then: a virtual machine can be held with all its clocks.
    """

    def __init__(
        self,
        nats: Nats,
        holder: str,
        lapsed: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = since_boot,
    ) -> None:
        self._nats = nats
        self._holder = holder
        self._lapsed = lapsed
        self._clock = clock
        self._renewed = -math.inf
        self._news = asyncio.Condition()

    async def held(self) -> None:
        """Wait until we hold it, and `lapsed` has returned if we have not meanwhile: who begins
        something in its name must not be taken for dead."""
        if self._clock() - self._renewed < TTL:
            return
        async with self._news:
            await self._news.wait_for(lambda: self._clock() - self._renewed < TTL)

    async def hold(self) -> None:
        """Renews it for ever."""
        tries = seq = 0
        renewed = self._clock()
        while True:
            try:
                missed, seq = await self._renew(seq)
                before, renewed, tries = renewed, self._clock(), 0
                if missed or renewed - before > TTL:
                    await self._lapsed()
                await self._tell(renewed)
                await asyncio.sleep(_RENEW_EVERY)
            except (Unavailable, ApiError) as problem:
                logger.warning("can't renew the lease of %s: %s", self._holder, problem)
                await back_off(tries)
                tries += 1

    async def _renew(self, last: int) -> tuple[bool, int]:
        """Whether the one of before was gone; the new one's sequence."""
        if last:
            try:
                return False, await self._put({_EXPECTED: str(last)})
            except ApiError as refused:
                if refused.code != _WRONG_SEQUENCE:
                    raise
        return bool(last), await self._put({})

    async def _put(self, headers: dict[str, str]) -> int:
        headers["Nats-TTL"] = str(TTL)
        answer = await self._nats.append(f"lease.{self._holder}", b"", headers)
        return msgspec.json.decode(answer, type=_Renewed).seq

    async def _tell(self, renewed: float) -> None:
        async with self._news:
            self._renewed = renewed
            self._news.notify_all()


async def holders(nats: Nats) -> set[str]:
    """Who holds a lease now. Raises Unavailable, never a guess."""
    body = await nats.api(f"STREAM.INFO.{LEASE}", {"subjects_filter": "lease.>"})
    subjects = msgspec.json.decode(body, type=_Info).state.subjects or {}
    return {subject.removeprefix("lease.") for subject in subjects}
