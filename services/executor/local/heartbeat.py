"""Whether the executor goes on: told to its launcher through memory that both have.

An executor that stands still (stopped, swapped out, on a machine that slept) is taken for dead when
its lease has lapsed, after TTL, and had for the scheduler's PATIENCE: then its runs are closed, and
others may begin in their place. Nothing of them may live by then. So a launcher whose executor has
shown no heartbeat for MAX_SILENCE_SECONDS seconds ends all that is below it.

The last lease was renewed 1.5 s before the last beat at most, or a little more where the server is
slow. So TTL + PATIENCE - 1.5 - MAX_SILENCE_SECONDS = 2.5 s at least are left in which to kill.

The clock is CLOCK_BOOTTIME, which goes on while the machine sleeps. A gap between two beats stays
one: who finds that it has stood still does not beat again, so whichever of the two wakes first, all
ends. What remains is a virtual machine that is held from outside together with its clocks: its
runs are ended when its lease turns out to have lapsed (libs/eventlog/lease.py).
"""

import mmap
import os
import time

from libs.linux import timer

MAX_SILENCE_SECONDS = 6.0
INTERVAL_SECONDS = 0.5
_WORD = 8  # bytes, written and read at once


class Heartbeat:
    """The executor's side. `memory` is the descriptor of what both have."""

    def __init__(self) -> None:
        self.memory = os.memfd_create("heartbeat", os.MFD_CLOEXEC)
        os.ftruncate(self.memory, _WORD)
        self._word = memoryview(mmap.mmap(self.memory, _WORD)).cast("Q")
        self._word[0] = _now()

    def beat(self) -> float:
        """Returns 0 or, once it has missed too many beats, the seconds since the last one."""
        now = _now()
        if (missed := now - self._word[0]) > MAX_SILENCE_SECONDS * 1e9:
            return missed / 1e9
        self._word[0] = now
        return 0.0


class HeartbeatWatch:
    """The launcher's side. Takes over `memory`; `timer` is readable when it is time to look."""

    def __init__(self, memory: int) -> None:
        found = mmap.mmap(memory, _WORD, prot=mmap.PROT_READ)
        os.close(memory)  # nothing that is forked from here is to have it
        self._word = memoryview(found).cast("Q")
        self.timer = timer.create(timer.BOOTTIME)

    def missed(self) -> bool:
        """Whether there was no beat for too long. Else it sets the timer anew."""
        last = self._word[0] + int(MAX_SILENCE_SECONDS * 1e9)
        if _now() > last:
            return True
        timer.ring_at(self.timer, *divmod(last + 1_000_000, 1_000_000_000))
        return False


def _now() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
