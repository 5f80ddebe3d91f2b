"""Privileges of a process without uid 0, and uid 0 without its privileges: capabilities(7)."""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

KILL, SETGID, SETUID, SETPCAP, DAC_OVERRIDE, SYS_CHROOT, SYS_ADMIN = 5, 6, 7, 8, 1, 18, 21

_PR_CAPBSET_READ, _PR_CAPBSET_DROP = 23, 24
_PR_CAP_AMBIENT, _RAISE = 47, 2
_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Half(ctypes.Structure):
    """32 of the 64 bits."""

    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


_Halves = _Half * 2


def renounce() -> None:
    """After the next exec we and our children have no capability, uid 0 or not.

    Raises OSError where we may not even give them up: CAP_SETPCAP is needed for it.
    """
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for each in range(last + 1):
        if _libc.prctl(_PR_CAPBSET_READ, each, 0, 0, 0) == 1:
            _check(_libc.prctl(_PR_CAPBSET_DROP, each, 0, 0, 0))


def drop() -> None:
    """We have no capability from now on. Uid 0 gets them back at exec, if not for `renounce`."""
    _set(0)


def held() -> int:
    """The effective ones, a bit each."""
    data = _Halves()
    _check(_libc.capget(ctypes.byref(_Header(_VERSION_3, 0)), data))
    return int(data[0].effective | data[1].effective << 32)


def keep(capabilities: Iterable[int]) -> None:
    """We have these and no others from now on, and keep them through exec as whatever uid."""
    wanted = list(capabilities)
    _set(sum(1 << each for each in wanted))
    for each in wanted:
        _check(_libc.prctl(_PR_CAP_AMBIENT, _RAISE, each, 0, 0))


def _set(mask: int) -> None:
    low, high = mask & 0xFFFFFFFF, mask >> 32
    data = _Halves(_Half(low, low, low), _Half(high, high, high))
    _check(_libc.capset(ctypes.byref(_Header(_VERSION_3, 0)), data))


def _check(result: int) -> None:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
