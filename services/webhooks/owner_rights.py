"""A subscription lasts as long as its owner may see its workspace (I8)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from libs.domain import subscription as subscriptions
from libs.domain.errors import Unavailable
from libs.domain.ids import subscription_stream
from libs.domain.subscription import Subscription
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog
from libs.eventlog.transact import transact
from libs.postgres.pool import Database
from services.webhooks import projection

logger = logging.getLogger(__name__)

REASON = "who created it may not see the workspace any more"
_SWEEP_INTERVAL_SECONDS = 5.0


# Whether a user may see a workspace now: they are enabled, and a member or an administrator. Raises
# Unavailable.
MaySee = Callable[[UUID, int], Awaitable[bool]]


class OwnerRights:
    """Ends subscriptions whose owner may not see the workspace any more."""

    def __init__(self, may_see: MaySee, log: EventLog, rows: Database) -> None:
        self._may_see = may_see
        self._log = log
        self._rows = rows

    async def allow(self, subscription: Subscription) -> bool:
        """Whether the owner may see the workspace now. Raises Unavailable."""
        return await self._may_see(UUID(subscription.created_by), subscription.workspace)

    async def end(self, id: UUID) -> None:
        """Deletes the subscription, with REASON. A second call does nothing. Raises Unavailable."""
        await transact(
            self._log,
            subscription_stream(id),
            subscriptions.evolve,
            lambda state: subscriptions.delete(state, REASON),
            Context(source="api", actor="api"),
        )

    async def sweep(self) -> None:
        """Checks all subscriptions every few seconds, for ever, so that one ends also where no
        event comes."""
        while True:
            try:
                for one in await projection.find_all(self._rows, None):
                    if not await self.allow(one):
                        await self.end(one.id)
            except Unavailable as problem:
                logger.warning("subscriptions can't be checked: %s", problem)
            await asyncio.sleep(_SWEEP_INTERVAL_SECONDS)
