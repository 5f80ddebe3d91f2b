"""What lies in the LOGS stream: waiting for it to be stored, and purging what is."""

import asyncio
import logging

from libs.domain.errors import Unavailable
from libs.eventlog import streams
from libs.eventlog.nats_client import ApiError, Nats
from libs.eventlog.project import Position
from libs.waiting.retry import retry

logger = logging.getLogger(__name__)

_PURGE_INTERVAL_SECONDS = 2.0
_SETTLE_TIMEOUT_SECONDS = 60.0


class Backlog:
    """`position` is how far the chunks are stored.

    The newest message is never purged. From it a copy of this service that lags behind another
    learns that there was more, and the stream's sequence can't start anew after a crash.
    """

    def __init__(self, nats: Nats, position: Position) -> None:
        self._nats = nats
        self._position = position
        self._purged_seq = 0

    async def settle(self) -> None:
        """Returns once all that is in the stream now can be read. Raises Unavailable after a
        minute."""
        newest = await retry(lambda: streams.last_seq(self._nats, streams.LOGS))
        try:
            await self._position.reached(newest, _SETTLE_TIMEOUT_SECONDS)
        except TimeoutError as error:
            raise Unavailable(f"logs are not stored up to message {newest} yet") from error

    async def run(self) -> None:
        """Purges for ever; what could not be purged now is purged next time."""
        while True:
            await asyncio.sleep(_PURGE_INTERVAL_SECONDS)
            try:
                await self.tick()
            except (Unavailable, ApiError) as problem:
                logger.warning("can't purge the stream of logs: %s", problem)

    async def tick(self) -> None:
        """Purges what is stored, but for the newest message. Raises Unavailable or ApiError."""
        stored = self._position.seq - 1
        if stored > self._purged_seq:
            await streams.purge_through(self._nats, streams.LOGS, stored)
            self._purged_seq = stored
