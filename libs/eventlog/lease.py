"""Who is alive: each holder of a lease has a message in a stream, gone TTL after its last renewal.

This is no key-value bucket: its markers of expired keys get in the way of taking a lease anew.
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

TTL = 5  # seconds
_RENEW_SECONDS = 1.5
_WRONG_SEQUENCE = 10071
_EXPECTED = "Nats-Expected-Last-Subject-Sequence"


class _Info(msgspec.Struct):
    class State(msgspec.Struct):
        subjects: dict[str, int] | None = None

    state: State


class _PubAck(msgspec.Struct):
    seq: int


def since_boot() -> float:
    """Seconds since the machine started, with those in which it slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """The lease of one holder. Holders have unique names, so there is no contention.

    `lapsed` is awaited when a renewal came too late, since we were stopped or NATS was away: others
    may have taken us for dead. The clock shows that, and so does the server, which has lost the
    last renewal by then: a virtual machine can be stopped with all its clocks.
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
        self._renewed_at = -math.inf
        self._renewal = asyncio.Condition()

    async def held(self) -> None:
        """Returns once we hold the lease, and `lapsed` has returned if we lost it meanwhile: who
        begins something in its name must not be taken for dead."""
        if self._clock() - self._renewed_at < TTL:
            return
        async with self._renewal:
            await self._renewal.wait_for(lambda: self._clock() - self._renewed_at < TTL)

    async def hold(self) -> None:
        """Renews the lease for ever. While NATS is away it tries again."""
        tries = seq = 0
        renewed = self._clock()
        while True:
            try:
                missed, seq = await self._renew(seq)
                before, renewed, tries = renewed, self._clock(), 0
                if missed or renewed - before > TTL:
                    await self._lapsed()
                await self._notify(renewed)
                await asyncio.sleep(_RENEW_SECONDS)
            except (Unavailable, ApiError) as problem:
                logger.warning("can't renew the lease of %s: %s", self._holder, problem)
                await back_off(tries)
                tries += 1

    async def _renew(self, last: int) -> tuple[bool, int]:
        """Whether the last renewal was gone, and the sequence of the new one."""
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
        return msgspec.json.decode(answer, type=_PubAck).seq

    async def _notify(self, renewed: float) -> None:
        async with self._renewal:
            self._renewed_at = renewed
            self._renewal.notify_all()


async def holders(nats: Nats) -> set[str]:
    """The names of those who hold a lease now. Raises Unavailable rather than guess."""
    body = await nats.api(f"STREAM.INFO.{LEASE}", {"subjects_filter": "lease.>"})
    subjects = msgspec.json.decode(body, type=_Info).state.subjects or {}
    return {subject.removeprefix("lease.") for subject in subjects}
