"""Between fork and exec: how a forked process becomes a user's program, step by step."""

import os
import signal
import socket
from pathlib import Path
from typing import NoReturn

from libs.linux import capability, landlock, syscalls
from libs.linux.cgroup import Group
from services.executor import limits, template_rights, view
from services.executor.messages import Failed, Launch, Started, encode

_RESETTABLE = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}

NOT_STARTED = 126
TEMPLATE_ORDERS = 3  # the descriptor of a template on which it is told what to do


def become(launch: Launch, streams: list[int], control: socket.socket) -> NoReturn:
    """Turn the calling process into the run's program. Says on `control` how that went."""
    try:
        set_up(launch, streams)
        control.send(encode(Started()))
        execute(launch)
    except BaseException as error:
        control.send(encode(Failed(f"{type(error).__name__}: {error}")))
    os._exit(NOT_STARTED)


def set_up(launch: Launch, streams: list[int]) -> None:
    """Give the calling process all that the run has, and take all else from it. Raises OSError."""
    _detach(*streams)
    if launch.group:
        Group(Path(launch.group)).join()
    if launch.view:
        view.enter(launch.view)
    if launch.powers:
        template_rights.keep(launch.powers, launch.uid)
    elif launch.uid is not None:
        drop_to(launch.uid)
    elif os.geteuid() == 0:
        capability.renounce()
    _confine(launch)


def execute(launch: Launch) -> NoReturn:
    """The program instead of us, in a new interpreter.

    All other descriptors close with that. A handler is forgotten, an ignored signal would not be.
    """
    ignored = [each for each in _RESETTABLE if signal.getsignal(each) is signal.SIG_IGN]
    for number in (signal.SIGINT, signal.SIGTERM, *ignored):  # nohup ignores one, `&` two
        signal.signal(number, signal.SIG_DFL)
    os.execve(launch.argv[0], launch.argv, launch.environment)  # noqa: S606 - the point


def _detach(stdout: int, stderr: int, orders: int | None = None) -> None:
    """Own session and streams, and no signal held back. A template gets its orders on 3."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    if orders is not None:
        os.dup2(orders, TEMPLATE_ORDERS)
        os.set_inheritable(TEMPLATE_ORDERS, True)  # dup2 does nothing if it was 3 already
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
    if not launch.powers:  # Landlock would forbid all mounting
        capability.drop()
        landlock.restrict(launch.readable, launch.writable)
