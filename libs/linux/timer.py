"""Timers as descriptors: timerfd_create(2), timerfd_settime(2)."""

import ctypes
import os

REALTIME, BOOTTIME = 0, 7
ABSOLUTE, CANCEL_ON_SET = 1, 2

_libc = ctypes.CDLL(None, use_errno=True)


class _Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Setting(ctypes.Structure):
    _fields_ = [("interval", _Time), ("first", _Time)]


def create(clock: int) -> int:
    """A non-blocking descriptor, readable once the timer that was set last has rung."""
    return _checked(_libc.timerfd_create(clock, os.O_NONBLOCK | os.O_CLOEXEC))


def ring_at(timer: int, seconds: int, nanoseconds: int, flags: int = ABSOLUTE) -> None:
    """Of the timer's clock; an instant that is over rings at once. Raises OSError."""
    setting = _Setting(first=_Time(seconds, nanoseconds))
    _checked(_libc.timerfd_settime(timer, flags, ctypes.byref(setting), None))


def _checked(result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
