"""Processes in tiers: each started when the one before is ready, stopped the other way round."""

import asyncio
import time
from collections.abc import Sequence

from libs.supervisor.process import Process

# Seconds for all tiers, of which each leaves some to those after it; force, where it is needed,
# comes on top.
_STOP_WITHIN, _NEEDED = 4.0, 0.7


class Supervisor:
    """Remembers in which order tiers were started, to stop them the other way round."""

    def __init__(self) -> None:
        self._tiers: list[Sequence[Process]] = []

    async def start(self, *tiers: Sequence[Process]) -> None:
        """Start the processes of `tiers` side by side; returns when all are ready.

        Raises StartFailed at the first that is not. `stop` is due then, as after success.
        """
        self._tiers += tiers
        starts = [asyncio.create_task(process.start()) for tier in tiers for process in tier]
        try:
            await asyncio.gather(*starts)
        finally:
            for start in starts:
                start.cancel()
            await asyncio.gather(*starts, return_exceptions=True)

    async def stop(self) -> None:
        """End all, the last tier first, each within the time that is left but for the others'."""
        deadline = time.monotonic() + _STOP_WITHIN
        while self._tiers:
            later = _NEEDED * (len(self._tiers) - 1)
            share = max(0.0, deadline - time.monotonic() - later)
            await asyncio.gather(*(process.stop(share) for process in self._tiers.pop()))
