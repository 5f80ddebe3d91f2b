"""Which webhooks this copy of the service delivers for: those whose lease it holds.

Leases lie in Postgres, by its clock. Those of a copy that is gone are taken over when they lapse;
a copy that can't renew its own has stopped delivering by then.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from uuid import UUID

from libs.domain.errors import Unavailable
from libs.domain.subscription import Subscription
from libs.postgres.pool import Database
from libs.vault.vault import CanNotOpen, Shredded, Vault
from services.api.subscriptions import projection
from services.api.subscriptions.delivery_store import Ledger, Place
from services.api.subscriptions.endpoint import Target, opened

logger = logging.getLogger(__name__)

LEASE = 10.0
_EVERY = 3.0
_PRUNE_EVERY = 60.0

# The coroutine that delivers, until it is cancelled.
Deliver = Callable[[Subscription, Target, Place], Coroutine[None, None, None]]


class Dispatch:
    """`changed` is set when a subscription has come, gone or changed."""

    def __init__(
        self,
        rows: Database,
        ledger: Ledger,
        vault: Vault,
        deliver: Deliver,
        changed: asyncio.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows = rows
        self._ledger = ledger
        self._vault = vault
        self._deliver = deliver
        self._clock = clock
        self._changed = changed
        self._couriers: dict[UUID, asyncio.Task[None]] = {}
        self._held_until = 0.0
        self._pruned = clock()

    async def run(self) -> None:
        """For ever."""
        try:
            while True:
                await self.tick()
                await self._some_time()
        finally:
            await self._stop(set(self._couriers))

    async def _some_time(self) -> None:
        try:
            async with asyncio.timeout(_EVERY):
                await self._changed.wait()
        except TimeoutError:
            pass
        self._changed.clear()

    async def tick(self) -> None:
        """Renews the leases, and delivers for exactly those that are held."""
        asked = self._clock()
        try:
            async with asyncio.timeout(_EVERY):
                held = await self._ledger.claim(LEASE)
            self._held_until = asked + LEASE
            await self._stop(set(self._couriers) - set(held))
            for id in set(held) - set(self._couriers):
                await self._start(id, held[id])
            await self._prune()
        except (Unavailable, TimeoutError) as problem:
            logger.warning("webhooks: can't renew leases: %r", problem)
            if self._clock() + 2 * _EVERY > self._held_until:  # not by the next time either
                await self._stop(set(self._couriers))

    async def _start(self, id: UUID, place: Place) -> None:
        found = await projection.find(self._rows, id)
        if found is None or found.paused:
            return
        try:
            target = await opened(self._vault, id, found.target)
        except Shredded:  # it is being deleted
            return
        except CanNotOpen as problem:
            logger.error("webhook %s can't be delivered: %s", id, problem)
            return
        self._couriers[id] = asyncio.create_task(self._until_stopped(found, target, place))

    async def _until_stopped(self, found: Subscription, target: Target, place: Place) -> None:
        """What ends in a bug is begun again at the next tick, from where it was."""
        try:
            await self._deliver(found, target, place)
        except Exception:
            logger.exception("webhook %s stopped", found.id)
        finally:
            if self._couriers.get(found.id) is asyncio.current_task():
                del self._couriers[found.id]

    async def _stop(self, ids: set[UUID]) -> None:
        stopped = [self._couriers[id] for id in ids if id in self._couriers]
        for courier in stopped:
            courier.cancel()
        await asyncio.gather(*stopped, return_exceptions=True)

    async def _prune(self) -> None:
        if self._clock() - self._pruned > _PRUNE_EVERY:
            self._pruned = self._clock()
            await self._ledger.prune()
