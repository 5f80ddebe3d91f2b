"""Processes of the platform that somebody has stopped, as SIGSTOP does.

Runs depend on those above them: the shim, the zygote, the launcher. A process that is killed is
seen to be gone; one that is stopped only stays silent, for ever. So who waits in vain for a run
looks for the nearest stopped process above it and ends that one by force, with all that is below.
"""

import contextlib
import logging
import os
import signal

from libs.linux import proc

_log = logging.getLogger(__name__)

# In which a shim says that its run has ended, once the main process of that has: all that is left
# of it is killed and reaped meanwhile. In which those above it do as they are told.
SILENCE_TIMEOUT_SECONDS = 30.0
_MAX_DEPTH = 20  # of processes between a run and the executor


def kill(pid: int) -> bool:
    """Kill the process if it is stopped; returns whether it was."""
    if not proc.is_stopped(pid):
        return False
    _log.warning("process %d, which watches over runs, is stopped; ended by force", pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
    return True


def kill_nearest(pid: int) -> bool:
    """Kill the first stopped process of `pid` and those above it, up to the launcher.

    Returns whether one was. Our own child is the port broker, on which no run's
    beginning or end depends.
    """
    for _ in range(_MAX_DEPTH):
        above = proc.parent(pid)
        if above in (0, os.getpid()):
            return False
        if kill(pid):
            return True
        pid = above
    return False
