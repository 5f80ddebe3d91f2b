"""What ps(1) shows of a process that was forked: another command line than its parent's.

The kernel shows what lies where the command line was when the program began (proc_pid_cmdline(5)).
The environment lies right behind it. Who uses this has taken that over into `os.environ` and
needs it there no more.
"""

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path


def show_as(words: Sequence[str]) -> None:
    """Overwrites the command line and the environment that the process began with."""
    start, arguments, size = _area()
    shown = b"".join(os.fsencode(word) + b"\0" for word in words)
    if len(shown) > arguments:  # the kernel then takes all up to the first zero for one text
        shown = shown[:-1].replace(b"\0", b" ")[: size - 1]
    ctypes.memset(start, 0, size)
    ctypes.memmove(start, shown, len(shown))


def _area() -> tuple[int, int, int]:
    """Where it begins; how many bytes are arguments; how many with the environment."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end, environment, last = (int(field) for field in fields[45:49])  # proc_pid_stat(5)
    return start, end - start, (last if environment == end else end) - start
