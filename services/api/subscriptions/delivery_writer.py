"""What couriers have done, written down together a few times a second.

An event is sent before that is written, so a copy that is killed has its last fraction of a second
delivered again: at least once, under the same ids.
"""

import asyncio
import logging
from uuid import UUID

from libs.domain.errors import Unavailable
from libs.waiting.retry import back_off
from services.api.subscriptions.delivery_store import Ledger, Letter, Lines, Place
from services.api.subscriptions.metrics import WebhookMeters
from services.api.subscriptions.sender import Outcome

logger = logging.getLogger(__name__)

_EVERY = 0.2  # seconds


class Journal:
    def __init__(self, ledger: Ledger, meters: WebhookMeters) -> None:
        self._ledger = ledger
        self._meters = meters
        self._lines = Lines()
        self._some = asyncio.Event()

    def reached(self, id: UUID, place: Place) -> None:
        self._lines.places[id] = place
        self._some.set()

    def tried(self, letter: Letter, tries: int, outcome: Outcome) -> None:
        self._meters.tried(outcome)
        self._lines.attempts.append((letter, tries, outcome))
        self._some.set()

    def gave_up(self, letter: Letter, tries: int, outcome: Outcome) -> None:
        self._lines.dead.append((letter, tries, outcome))
        self._some.set()

    async def run(self) -> None:
        """For ever; what is there at the end is written by `flush`."""
        while True:
            await self._some.wait()
            await asyncio.sleep(_EVERY)
            await self.flush()

    async def flush(self) -> None:
        """Waits for a database that is away."""
        lines, self._lines = self._lines, Lines()
        self._some.clear()
        tries = 0
        while True:
            try:
                return await self._ledger.write(lines)
            except Unavailable as problem:
                logger.warning("deliveries wait to be written down: %s", problem)
            await back_off(tries)
            tries += 1
