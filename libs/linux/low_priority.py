"""Work that nobody waits for: it has what others leave of the processors and the disk.

Sources: sched(7), ioprio_set(2). A niceness and not SCHED_IDLE: on a machine that is always busy
such work would never end.
"""

import contextlib
import os
import platform

from libs.linux import syscalls

_NICENESS = 19  # to others' 0 as 1 to 68, by the kernel's table of weights
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
_PROCESS, _BEST_EFFORT, _LOWEST, _SHIFT = 1, 2, 7, 13


def be_modest() -> None:
    """From now on, and with all that is started by this process."""
    with contextlib.suppress(OSError):  # it is a courtesy, and some sandboxes refuse it
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        if number := _IOPRIO_SET.get(platform.machine()):
            syscalls.syscall(number, _PROCESS, 0, _BEST_EFFORT << _SHIFT | _LOWEST)
