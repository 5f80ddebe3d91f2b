"""Closes the runs of executors that have vanished (I6).

An executor renews its lease every 1.5 s, and the lease lapses 5 s after the last renewal. It has
vanished when it had none for `LEASE_TIMEOUT_SECONDS` more, during which we could see the leases all
the time. So an outage of NATS, in which nobody can renew, condemns nobody.
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

LEASE_TIMEOUT_SECONDS = 5.0
_CHECK_INTERVAL_SECONDS = 1.0


class Rescue:
    """Watches the leases of the executors that have claimed open runs."""

    def __init__(
        self, nats: Nats, plan: Plan, ticker: Ticker, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._nats = nats
        self._plan = plan
        self._ticker = ticker
        self._clock = clock
        self._missing_since: dict[str, float] = {}

    async def run(self) -> None:
        """Ticks once a second, for ever."""
        while True:
            await asyncio.sleep(_CHECK_INTERVAL_SECONDS)
            await self.tick()

    async def tick(self) -> None:
        """Looks at the leases once, and ends the runs of executors that have vanished by then."""
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
        lost_executors = {
            executor
            for executor, since in self._missing_since.items()
            if now - since >= LEASE_TIMEOUT_SECONDS
        }
        if lost_executors:
            steps = decide.lost_run_steps(self._plan, lost_executors)
            steps = [step for step in steps if step.proposed.stream.uuid in claims]
            logger.warning(
                "closing %d runs of vanished executors %s", len(steps), sorted(lost_executors)
            )
            await self._ticker.append(steps)
