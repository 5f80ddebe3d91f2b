"""Closes the runs of executors that have vanished (I6).

An executor renews its lease every 1.5 s, and the lease lapses 5 s after the last renewal. It has
vanished when it had none for `PATIENCE` more, during which we could see the leases all the time:
so an outage of NATS, in which nobody can renew, condemns nobody.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from libs.domain.errors import Unavailable
from libs.eventlog import lease
from libs.eventlog.nats_client import Nats
from services.scheduler import decide
from services.scheduler.plan import Plan
from services.scheduler.ticker import Ticker

logger = logging.getLogger(__name__)

PATIENCE = 5.0
_EVERY = 1.0


class Rescue:
    def __init__(
        self, nats: Nats, plan: Plan, ticker: Ticker, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._nats = nats
        self._plan = plan
        self._ticker = ticker
        self._clock = clock
        self._missing_since: dict[str, float] = {}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            await self.tick()

    async def tick(self) -> None:
        # Those of now: who is alive when it claims a run may not be among the answers on their way.
        claims = {id: run.executor for id, run in self._plan.runs.items() if run.executor}
        claimed = set(claims.values())
        if not claimed:  # nobody's end would matter
            self._missing_since.clear()
            return
        try:
            alive = await lease.holders(self._nats)
        except Unavailable:
            self._missing_since.clear()
            return
        now = self._clock()
        self._missing_since = {
            executor: self._missing_since.get(executor, now) for executor in claimed - alive
        }
        gone = {one for one, since in self._missing_since.items() if now - since >= PATIENCE}
        if gone:
            lost = decide.lost(self._plan, gone)
            steps = [step for step in lost if step.proposed.stream.uuid in claims]
            logger.warning("closing %d runs of vanished executors %s", len(steps), sorted(gone))
            await self._ticker.append(steps)
