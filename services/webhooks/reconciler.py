"""Makes true what a subscription says: its consumer on NATS, its secret, its rows."""

from uuid import UUID

from libs.domain.ids import subscription_stream
from libs.domain.subscription import Subscription, evolve
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog
from libs.eventlog.nats_client import Nats
from libs.eventlog.project import Position
from libs.eventlog.transact import load
from libs.postgres.pool import Database
from libs.vault.vault import Vault
from services.webhooks import nats_consumers, projection
from services.webhooks.delivery_store import DeliveryStore

_CATCH_UP_TIMEOUT_SECONDS = 3600.0


class Reconciler:
    """Brings what a subscription has outside of its events into line with its state."""

    def __init__(self, nats: Nats, log: EventLog, vault: Vault, deliveries: DeliveryStore) -> None:
        self._nats = nats
        self._log = log
        self._vault = vault
        self._deliveries = deliveries

    async def handle(self, fact: Recorded) -> None:
        """As a reaction to any event of a subscription."""
        await self.reconcile(UUID(fact.stream.id))

    async def reconcile(self, id: UUID) -> Subscription:
        """Makes it so, and gives the state that is. Once more does nothing.

        The state is read again afterwards: of two that do this at the same time, each with another
        state in mind, the one that knows less may come last.
        """
        state = await self._state(id)
        while True:
            await self._apply(state)
            newer = await self._state(id)
            if newer == state:
                return state
            state = newer

    async def _state(self, id: UUID) -> Subscription:
        return (await load(self._log, subscription_stream(id), evolve))[0]

    async def _apply(self, state: Subscription) -> None:
        if state.kind == "nats":
            await nats_consumers.reconcile(self._nats, state)
        if state.deleted:
            await self._vault.shred(state.id)
            await self._deliveries.forget(state.id)

    async def after_restore(self, rows: Database, position: Position) -> None:
        """A database that was set back to a backup has keys again that were destroyed; a log that
        was restored has no consumers."""
        newest = await self._log.last_seq_over(*projection.SUBJECTS)
        await position.reached(newest, _CATCH_UP_TIMEOUT_SECONDS)
        await self._vault.shred(*await projection.find_deleted(rows))
        for one in await projection.find_all(rows, None):
            if one.kind == "nats":
                await self.reconcile(one.id)
