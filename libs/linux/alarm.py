"""An alarm at an instant of the wall clock, in an event loop: timerfd_create(2).

The loop's own timers know no instants, only durations, and are rounded up to whole milliseconds.
"""

import asyncio
import contextlib
import ctypes
import errno
import os
from collections.abc import Callable
from datetime import datetime
from typing import Self

_CLOCK_REALTIME = 0
_ABSOLUTE, _CANCEL_ON_SET = 1, 2

_libc = ctypes.CDLL(None, use_errno=True)


class _Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Setting(ctypes.Structure):
    _fields_ = [("interval", _Time), ("first", _Time)]


class Alarm:
    """Calls `ring` at the instant that was `set` last, and whenever the clock is set, until the end
    of its `with`."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._timer = _checked(_libc.timerfd_create(_CLOCK_REALTIME, os.O_NONBLOCK | os.O_CLOEXEC))

    def set(self, at: datetime) -> None:
        """An instant that is over rings at once."""
        setting = _Setting(first=_Time(int(at.timestamp()), at.microsecond * 1000))
        flags = _ABSOLUTE | _CANCEL_ON_SET
        try:
            _checked(_libc.timerfd_settime(self._timer, flags, ctypes.byref(setting), None))
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


def _checked(result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
