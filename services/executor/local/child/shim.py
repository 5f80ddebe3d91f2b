"""The process beside a run that sees to its end: parent of the run's main process.

It waits for whichever comes first: the main process ends, the executor says stop or is gone, the
launcher is gone. Then it kills all that the run left behind, and tells how it went only when
nothing lives. Where there are pid namespaces it is process 1 of the run's own, so that the kernel
kills the run if somebody kills the shim; elsewhere it is a subreaper, and nobody escapes upwards.

Then it may be given another run: to fork a shim and make a process table for each would cost
more than the run itself. Two runs of a shim never live at the same time.
"""

import math
import os
import select
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, NoReturn

from libs.linux import process, syscalls
from libs.linux.cgroup import Group
from services.executor.local.child import stop_request
from services.executor.local.protocol import (
    MAX_MESSAGE_BYTES,
    Ended,
    Prepare,
    encode,
    receive,
    shim_decoder,
)

Cause = Literal["exit", "stop", "lost"]


Become = Callable[[Prepare, socket.socket, socket.socket], NoReturn]


def keep(
    prepare: Prepare,
    control: socket.socket,
    orders: socket.socket,
    launcher: int,
    become: Become,
) -> NoReturn:
    """See runs to their ends in this process, freshly forked. `launcher` is a pidfd.

    `become` makes the run of a child of ours; what it raises gets out of here in that child.
    """
    syscalls.become_subreaper()
    following: tuple[Prepare, socket.socket] | None = prepare, orders
    while following:
        _keep(*following, control, launcher, become)
        following = _next(control, launcher)
    os._exit(0)


def _keep(
    prepare: Prepare, orders: socket.socket, control: socket.socket, launcher: int, become: Become
) -> None:
    group = Group(Path(prepare.group)) if prepare.group else None
    if group:
        group.bound(prepare.limits.memory_bytes, prepare.limits.processes)
    if (main := os.fork()) == 0:
        become(prepare, control, orders)
    orders.close()
    cause = _watch(main, control, launcher)
    ends = _end(group)
    _report(cause, ends[main].status, ends.values(), control, group)


def _next(control: socket.socket, launcher: int) -> tuple[Prepare, socket.socket] | None:
    """Another run, with where its Launch will come; None if nobody has one for us."""
    poller = select.poll()
    poller.register(control, select.POLLIN)
    poller.register(launcher, select.POLLIN)
    while launcher not in {source for source, _ in poller.poll()}:
        try:
            message, descriptors, _, _ = socket.recv_fds(control, MAX_MESSAGE_BYTES, 1)
        except ConnectionResetError:
            return None
        if not message:
            return None
        order = shim_decoder.decode(message)
        if isinstance(order, Prepare):  # else a stop of the run that has ended meanwhile
            os.set_inheritable(descriptors[0], False)
            return order, socket.socket(fileno=descriptors[0])
    return None


def _watch(main: int, control: socket.socket, launcher: int) -> Cause:
    """Wait for a reason to end the run, at most for the grace once it was told to stop."""
    ended = os.pidfd_open(main)
    try:
        return _first(main, ended, control, launcher)
    finally:
        os.close(ended)


def _first(main: int, ended: int, control: socket.socket, launcher: int) -> Cause:
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
        order = shim_decoder.decode(message) if ready and (message := receive(control)) else None
        if order is None or isinstance(order, Prepare):
            return "lost" if stop_at is None else "stop"
        if stop_at is None and order.grace > 0:
            os.kill(main, stop_request.signal_for(ended))
        stop_at = min(stop_at or math.inf, time.monotonic() + order.grace)


def _end(group: Group | None) -> dict[int, process.End]:
    if group:
        group.kill()
    return process.end_namespace() if os.getpid() == 1 else process.end_children()


def _report(
    cause: Cause,
    status: int,
    ends: Iterable[process.End],
    control: socket.socket,
    group: Group | None,
) -> None:
    cpu = sum(end.cpu_seconds for end in ends)
    rss = max(end.max_rss_bytes for end in ends)
    ended = Ended(cause, status, round(cpu, 6), rss, group.oom_kills() if group else 0)
    if group:
        group.remove()
    try:
        control.send(encode(ended))
    except (BrokenPipeError, ConnectionResetError):
        return  # the executor is gone: nobody to tell
