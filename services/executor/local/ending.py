"""How a process comes to its end: its shim is asked, and made to where it can't or won't."""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable
from uuid import UUID

from libs.domain.run_end import Verdict
from services.executor.local import stopped_process
from services.executor.local.outcome import SHIM_STOPPED
from services.executor.local.process_state import ProcessState
from services.executor.local.protocol import Stop, encode
from services.executor.local.shim_pool import ShimClient, ShimMaker
from services.executor.local.timers import Timers

_log = logging.getLogger(__name__)

STOP_TIMEOUT_SECONDS = 5.0  # in which a shim ends it, once the grace is over


class Ending:
    """Of one process. `grace` is how many seconds it gets to end by itself once it has begun."""

    def __init__(
        self, state: ProcessState, shim: ShimClient, maker: ShimMaker, timers: Timers
    ) -> None:
        self.grace = 0.0
        self._state = state
        self._shim = shim
        self._maker = maker
        self._timers = timers
        self._loop = asyncio.get_running_loop()
        self._ends_at = math.inf  # by the loop's clock, once it is to end

    def stop(self, reason: Verdict, within: float | None = None) -> None:
        """Tell the shim to end it; the first reason stays, and the earliest end."""
        grace = self.grace if within is None else min(within, self.grace)
        if not self._state.has_begun:
            grace = 0.0
        at = self._loop.time() + grace
        if self._state.has_ended or at >= self._ends_at:
            return
        self._ends_at = at
        self._state.stop(reason)
        # A zygote's shims have others' packages in them: one may not do as it is told (I7).
        self._timers.later("force", grace + STOP_TIMEOUT_SECONDS, self._force)
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            self._shim.control.send(encode(Stop(grace)))  # else it is ending, or stopped

    def main_process_ended(self, run: UUID | None) -> None:
        """The shim is to tell so, which it can't as long as somebody has stopped it."""
        self._when_silent("silence", lambda: self._end_without_shim(run))

    async def wait_until_gone(self) -> None:
        """Somebody killed the shim: returns when its maker says that nothing of it is left."""
        gone = asyncio.ensure_future(self._maker.gone(self._shim.name))
        timeout = stopped_process.SILENCE_TIMEOUT_SECONDS
        while not (await asyncio.wait([gone], timeout=timeout))[0]:
            stopped_process.kill_nearest(self._maker.forker_pid)
        self._maker.forget(self._shim.name)

    def _force(self) -> None:
        """It was told to end and has not: do what there is beyond that."""
        if not (self._shim.pid and stopped_process.kill(self._shim.pid)):
            self._timers.run(self._maker.end_by_force())
        self._when_silent("force", self._kill_stopped)

    def _when_silent(self, name: str, call: Callable[[], object]) -> None:
        """Make the call after each time in which nothing came of the run, till it has ended."""

        def ring() -> None:
            call()
            self._when_silent(name, call)

        self._timers.later(name, stopped_process.SILENCE_TIMEOUT_SECONDS, ring)

    def _end_without_shim(self, run: UUID | None) -> None:
        if self._kill_stopped():
            self._state.stop(SHIM_STOPPED)
            _log.warning("run %s: %s", run, SHIM_STOPPED.detail)
        else:
            _log.warning("run %s: its program has ended, other processes of it have not", run)

    def _kill_stopped(self) -> bool:
        return stopped_process.kill_nearest(self._shim.pid or self._maker.forker_pid)
