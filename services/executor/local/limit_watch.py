"""Ends a run of the local backend that lasts too long or takes too much disk space."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

from libs.domain.run_end import Verdict
from services.executor.backend import BOUNDLESS, RunSpec
from services.executor.local import script_start
from services.executor.local.outcome import DISK_QUOTA, TIMED_OUT
from services.executor.local.timers import Timers

_DISK_CHECK_SECONDS = 2.0  # between looks at the disk space


class Stop(Protocol):
    """Ends the run: within so many seconds, or with the grace that it has."""

    def __call__(self, reason: Verdict, within: float | None = None) -> None:
        """Returns at once."""


class LimitWatch:
    """Of one run. `size` tells the bytes that it takes now; it may take long, hence in a thread."""

    def __init__(self, timers: Timers, stop: Stop, size: Callable[[], int]) -> None:
        self._timers = timers
        self._stop = stop
        self._size = size

    def start(self, pid: int, spec: RunSpec) -> None:
        """From now on. The time counts from when the process `pid` comes to its script."""
        if spec.timeout is not None:
            ring = partial(self._stop, TIMED_OUT)
            count = partial(self._timers.later, "time", spec.timeout, ring)
            script_start.when_script_starts(pid, partial(self._timers.later, "time"), count)
        if spec.limits.disk_bytes < BOUNDLESS:
            self._check_later(spec.limits.disk_bytes)

    def _check_later(self, limit: int) -> None:
        check = partial(self._check, limit)
        self._timers.later("disk", _DISK_CHECK_SECONDS, lambda: self._timers.run(check()))

    async def _check(self, limit: int) -> None:
        if await asyncio.to_thread(self._size) > limit:
            self._stop(DISK_QUOTA, within=0)  # it would go on writing
        else:
            self._check_later(limit)
