"""Processes in tiers: each started when the one before is ready, stopped the other way round."""

import asyncio
import time
from collections.abc import Sequence

from libs.supervisor.process import Process

_STOP_WITHIN = 4.0  # seconds for all tiers; force, where it is needed, comes on top


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
        """End all, the last tier first, each within its share of the time that is left."""
        deadline = time.monotonic() + _STOP_WITHIN
        while self._tiers:
            share = max(0.0, deadline - time.monotonic()) / len(self._tiers)
            await asyncio.gather(*(process.stop(share) for process in self._tiers.pop()))
