"""The process beside a run that sees to its end: one for each, parent of the run's main process.

It waits for whichever comes first: the main process ends, the executor says stop or is gone, the
launcher is gone. Then it kills all that the run left behind, and tells how it went only when
nothing lives. Where there are pid namespaces it is process 1 of the run's own, so that the kernel
kills the run if somebody kills the keeper; elsewhere it is a subreaper, and nobody escapes upwards.
"""

import os
import resource
import select
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NoReturn

import msgspec

from libs.linux import process, syscalls
from libs.linux.cgroup import Group
from services.executor.messages import Ended, Prepare, Stop, encode, receive

Cause = Literal["exit", "stop", "lost"]


Become = Callable[[Prepare, socket.socket, socket.socket], NoReturn]


def keep(
    prepare: Prepare,
    control: socket.socket,
    orders: socket.socket,
    launcher: int,
    become: Become,
) -> NoReturn:
    """See a run to its end in this process, freshly forked. `launcher` is a pidfd.

    `become` makes the run of a child of ours; what it raises gets out of here in that child.
    """
    syscalls.become_subreaper()
    group = Group(Path(prepare.group)) if prepare.group else None
    if group:
        group.bound(prepare.limits.memory_bytes, prepare.limits.processes)
    if (main := os.fork()) == 0:
        become(prepare, control, orders)
    orders.close()
    cause = _watch(main, control, launcher)
    status = _end(main, group)
    _report(cause, status, control, group)
    os._exit(0)


def _watch(main: int, control: socket.socket, launcher: int) -> Cause:
    """Wait for a reason to end the run, at most for the grace once it was told to stop."""
    ended = os.pidfd_open(main)
    poller = select.poll()
    for source in (ended, control.fileno(), launcher):
        poller.register(source, select.POLLIN)
    stop_at: float | None = None
    while True:
        left = None if stop_at is None else max(0.0, stop_at - time.monotonic()) * 1000
        ready = {source for source, _ in poller.poll(left)}
        if ended in ready:
            return "exit" if stop_at is None else "stop"
        if launcher in ready:
            return "lost"
        order = receive(control) if ready else b""
        if not order:
            return "lost" if stop_at is None else "stop"
        stop_at = _ask_to_end(main, msgspec.json.decode(order, type=Stop).grace)


def _ask_to_end(main: int, grace: float) -> float:
    """SIGTERM to the main process and those of its group; returns when patience ends."""
    if grace > 0:
        try:
            os.killpg(main, signal.SIGTERM)
        except ProcessLookupError:  # too early: it has no group of its own yet
            os.kill(main, signal.SIGTERM)
    return time.monotonic() + grace


def _end(main: int, group: Group | None) -> int:
    if group:
        group.kill()
    ended = process.end_namespace() if os.getpid() == 1 else process.end_children()
    return ended[main]


def _report(cause: Cause, status: int, control: socket.socket, group: Group | None) -> None:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, rss = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
    ended = Ended(cause, status, round(cpu, 6), rss, group.oom_kills() if group else 0)
    if group:
        group.remove()
    try:
        control.send(encode(ended))
    except (BrokenPipeError, ConnectionResetError):
        return  # the executor is gone: nobody to tell
