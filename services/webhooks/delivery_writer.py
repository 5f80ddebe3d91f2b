"""Writes what delivery workers have done, all of it together, a few times a second.

An event is sent before that is written. So what a copy sent in its last fraction of a second before
it was killed is sent again, under the same ids: at least once.
"""

import asyncio
import logging
from functools import partial
from uuid import UUID

from libs.domain.errors import Unavailable
from libs.waiting.retry import retry
from services.webhooks.delivery_store import Attempt, Changes, Cursor, DeliveryStore
from services.webhooks.metrics import WebhookMetrics

logger = logging.getLogger(__name__)

_WRITE_INTERVAL_SECONDS = 0.2


class DeliveryWriter:
    """Collects changes and writes them every _WRITE_INTERVAL_SECONDS."""

    def __init__(self, store: DeliveryStore, metrics: WebhookMetrics) -> None:
        self._store = store
        self._metrics = metrics
        self._changes = Changes()
        self._has_changes = asyncio.Event()

    def move(self, id: UUID, cursor: Cursor) -> None:
        """The webhook's cursor is there now."""
        self._changes.cursors[id] = cursor
        self._has_changes.set()

    def add_attempt(self, attempt: Attempt) -> None:
        """Counts an attempt and notes it for the next write."""
        self._metrics.count(attempt.outcome)
        self._changes.attempts.append(attempt)
        self._has_changes.set()

    def add_dead_letter(self, last_attempt: Attempt) -> None:
        """Notes that delivery of an event ended with this attempt."""
        self._changes.dead_letters.append(last_attempt)
        self._has_changes.set()

    async def run(self) -> None:
        """Writes for ever. After it is cancelled, call `flush` for the rest."""
        while True:
            await self._has_changes.wait()
            await asyncio.sleep(_WRITE_INTERVAL_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Writes what was noted until now. It waits for a database that is away."""
        changes, self._changes = self._changes, Changes()
        self._has_changes.clear()
        await retry(partial(self._store.write, changes), timeout=None, on_failure=_wait)


def _wait(problem: Unavailable) -> None:
    logger.warning("deliveries wait to be written: %s", problem)
