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
from libs.waiting.event import set_within
from services.webhooks import projection
from services.webhooks.delivery_store import Cursor, DeliveryStore
from services.webhooks.endpoint import Endpoint, unseal

logger = logging.getLogger(__name__)

LEASE_SECONDS = 10.0
_RENEW_EVERY_SECONDS = 3.0
_PRUNE_EVERY_SECONDS = 60.0

# The coroutine that delivers, until it is cancelled.
Deliver = Callable[[Subscription, Endpoint, Cursor], Coroutine[None, None, None]]


class LeaseHolder:
    """`changed` is set when a subscription has come, gone or changed."""

    def __init__(
        self,
        rows: Database,
        deliveries: DeliveryStore,
        vault: Vault,
        deliver: Deliver,
        changed: asyncio.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows = rows
        self._deliveries = deliveries
        self._vault = vault
        self._deliver = deliver
        self._clock = clock
        self._changed = changed
        self._workers: dict[UUID, asyncio.Task[None]] = {}
        self._held_until = 0.0
        self._pruned = clock()

    async def run(self) -> None:
        """For ever."""
        try:
            while True:
                await self.tick()
                await self._wait()
        finally:
            await self._stop(set(self._workers))

    async def _wait(self) -> None:
        await set_within(self._changed, _RENEW_EVERY_SECONDS)
        self._changed.clear()

    async def tick(self) -> None:
        """Renews the leases, and delivers for exactly those that are held."""
        asked_at = self._clock()
        try:
            async with asyncio.timeout(_RENEW_EVERY_SECONDS):
                held = await self._deliveries.claim(LEASE_SECONDS)
            self._held_until = asked_at + LEASE_SECONDS
            await self._stop(set(self._workers) - set(held))
            for id in set(held) - set(self._workers):
                await self._start(id, held[id])
            await self._prune()
        except (Unavailable, TimeoutError) as problem:
            logger.warning("webhooks: can't renew leases: %r", problem)
            # Not renewed by the next tick either.
            if self._clock() + 2 * _RENEW_EVERY_SECONDS > self._held_until:
                await self._stop(set(self._workers))

    async def _start(self, id: UUID, cursor: Cursor) -> None:
        subscription = await projection.find(self._rows, id)
        if subscription is None or subscription.paused:
            return
        try:
            endpoint = await unseal(self._vault, id, subscription.target)
        except Shredded:  # it is being deleted
            return
        except CanNotOpen as problem:
            logger.error("webhook %s can't be delivered: %s", id, problem)
            return
        self._workers[id] = asyncio.create_task(self._until_stopped(subscription, endpoint, cursor))

    async def _until_stopped(
        self, subscription: Subscription, endpoint: Endpoint, cursor: Cursor
    ) -> None:
        """What ends in a bug is begun again at the next tick, from where it was."""
        try:
            await self._deliver(subscription, endpoint, cursor)
        except Exception:
            logger.exception("webhook %s stopped", subscription.id)
        finally:
            if self._workers.get(subscription.id) is asyncio.current_task():
                del self._workers[subscription.id]

    async def _stop(self, ids: set[UUID]) -> None:
        stopped = [self._workers[id] for id in ids if id in self._workers]
        for worker in stopped:
            worker.cancel()
        await asyncio.gather(*stopped, return_exceptions=True)

    async def _prune(self) -> None:
        if self._clock() - self._pruned > _PRUNE_EVERY_SECONDS:
            self._pruned = self._clock()
            await self._deliveries.prune()
