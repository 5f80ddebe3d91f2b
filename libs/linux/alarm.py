"""An alarm at an instant of the wall clock, in an event loop.

The loop's own timers know no instants, only durations, and are rounded up to whole milliseconds.
"""

import asyncio
import contextlib
import errno
import os
from collections.abc import Callable
from datetime import datetime
from typing import Self

from libs.linux import timer


class Alarm:
    """Calls `ring` at the instant that was `set` last, and whenever the clock is set, until the end
    of its `with`."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._timer = timer.create(timer.REALTIME)

    def set(self, at: datetime) -> None:
        """An instant that is over rings at once."""
        flags = timer.ABSOLUTE | timer.CANCEL_ON_SET
        try:
            timer.ring_at(self._timer, int(at.timestamp()), at.microsecond * 1000, flags)
        except OSError as error:
            if error.errno != errno.ECANCELED:
                raise
            self._ring()  # it is set, and so was the clock, since the last time

    def __enter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._timer, self._rings)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._timer)
        os.close(self._timer)

    def _rings(self) -> None:
        # ECANCELED: the clock was set; EAGAIN: somebody has set the alarm anew meanwhile.
        with contextlib.suppress(OSError):
            os.read(self._timer, 8)
        self._ring()
