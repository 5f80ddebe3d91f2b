"""Between fork and exec: how a forked process becomes a user's program, step by step."""

import os
import signal
import socket
from pathlib import Path
from typing import NoReturn

from libs.linux import capability, landlock, syscalls
from libs.linux.cgroup import Group
from services.executor import limits, view
from services.executor.messages import Failed, Launch, Started, encode

NOT_STARTED = 126


def become(launch: Launch, stdout: int, stderr: int, control: socket.socket) -> NoReturn:
    """Turn the calling process into the run's program. Says on `control` how that went."""
    try:
        _detach(stdout, stderr)
        if launch.group:
            Group(Path(launch.group)).join()
        if launch.view:
            view.enter(launch.view)
        if launch.uid is not None:
            drop_to(launch.uid)
        elif os.geteuid() == 0:
            capability.renounce()
        _confine(launch)
        control.send(encode(Started()))
        os.execve(launch.argv[0], launch.argv, launch.environment)  # noqa: S606 - the point
    except BaseException as error:
        control.send(encode(Failed(f"{type(error).__name__}: {error}")))
    os._exit(NOT_STARTED)


def _detach(stdout: int, stderr: int) -> None:
    """Own session and streams, and the signals as a new process finds them.

    All other descriptors close at exec. A handler would be forgotten then, an ignored signal not.
    """
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def drop_to(uid: int) -> None:
    """Be `uid`, with the group of the same number and no other, for good."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _confine(launch: Launch) -> None:
    os.umask(0o077)
    os.chdir(launch.directory)
    syscalls.no_new_privileges()
    syscalls.die_with_parent(signal.SIGKILL)  # not before the change of uid, which clears it
    limits.apply(launch.limits, own_uid=launch.uid is not None)
    landlock.restrict(launch.readable, launch.writable)
