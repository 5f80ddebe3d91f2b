"""Notices what does not end and yet does not work, and ends it: it is started again then.

- A service whose event loop does not go round: in a computation, in a wait, stopped by a signal.
  SIGABRT has it write the tracebacks of all its threads into its log first.
- NATS or Postgres, stopped by a signal.
- NATS when it stores nothing though there is space: once its disk was full it refuses all appends
  until it is started again.

It keeps logs from growing without end, too.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from signal import SIGABRT, SIGTERM

from libs.domain.errors import Rejected
from libs.linux.proc import scheduled
from libs.service.disk_reserve import space
from libs.supervisor.notify import Notifications
from libs.supervisor.process import Process
from libs.supervisor.silence import Silence
from libs.supervisor.terminal import Terminal

_LIMIT, _LONGEST = 30.0, 1e6  # seconds: if the operator says nothing else, and at most
_EVERY = 1.0
_FAILING, _AGAIN = 5.0, 30.0  # seconds until a store is restarted, and at least between two times
_MIN_FREE_BYTES = 64 << 20  # with less a restart is not worth a try


class Watchdog:
    """Over `processes`, of which those that have said WATCHDOG=1 have to go on saying so."""

    def __init__(
        self,
        processes: Sequence[Process],
        notifications: Notifications,
        terminal: Terminal,
        limit: float,
    ) -> None:
        self._processes = processes
        self._notifications = notifications
        self._terminal = terminal
        self._limit = limit
        self._silences: dict[int, Silence] = {}
        self._restarted = -_AGAIN

    async def run(self) -> None:
        """For ever."""
        before = time.monotonic()
        while True:
            await asyncio.sleep(_EVERY)
            elapsed, before = time.monotonic() - before, time.monotonic()
            pids = {process.pid: process for process in self._processes if process.pid}
            for pid in self._silences.keys() - pids.keys():
                del self._silences[pid]
                self._notifications.forget(pid)
            for pid, process in pids.items():
                process.log.cut()
                if self._stuck(pid, elapsed):
                    await self._end(pid, process)
            await self._look_at_store()

    def _stuck(self, pid: int, elapsed: float) -> bool:
        seen = scheduled(pid)
        if seen is None or not self._limit:
            return False
        silence = self._silences.setdefault(pid, Silence())
        beats = self._notifications.beats(pid)
        silence.looked(elapsed, *seen)
        if beats or (beats is None and silence.state != "T"):  # who never beats may be stopped
            silence.broken()
        return silence.seconds >= self._limit

    async def _end(self, pid: int, process: Process) -> None:
        silence = self._silences.pop(pid)
        why = f"has not answered for {silence.seconds:.0f} s: {silence.described()}; ending it"
        abort = self._notifications.beats(pid) is not None  # only services know what it means
        await process.end(SIGABRT if abort else process.program.force, why)
        if abort and silence.state != "T" and (where := process.log.place()):
            self._terminal.warn(process.program.name, f"was at {where}; its log has more")

    async def _look_at_store(self) -> None:
        failing = self._notifications.appends_fail()
        stores = [one for one in self._processes if one.program.name == "nats"]
        if failing < _FAILING or not stores or time.monotonic() - self._restarted < _AGAIN:
            return
        free, _ = space(stores[0].program.folder)
        if free >= _MIN_FREE_BYTES:
            self._restarted = time.monotonic()
            why = f"has stored nothing for {failing:.0f} s with {free >> 20} MiB free; ending it"
            await stores[0].end(SIGTERM, why)


def watchdog_seconds(operator: Mapping[str, str]) -> float:
    """The limit that the operator has set; 0 means that nobody watches. Raises Rejected."""
    said = operator.get("RONDO_WATCHDOG_SECONDS") or str(_LIMIT)
    try:
        seconds = float(said)
        if seconds == 0 or 2 <= seconds < _LONGEST:
            return seconds
    except ValueError:
        pass
    raise Rejected(
        "invalid", f"RONDO_WATCHDOG_SECONDS={said}: give seconds from 2 up, or 0 for off"
    )
