"""Root without its privileges: capabilities(7)."""

import ctypes
import os
from pathlib import Path

_PR_CAPBSET_DROP = 24

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


def renounce() -> None:
    """After the next exec we and our children have no capability, uid 0 or not.

    Raises OSError where we may not even give them up: CAP_SETPCAP is needed for it.
    """
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for each in range(last + 1):
        if _libc.prctl(_PR_CAPBSET_DROP, each, 0, 0, 0) == -1:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
