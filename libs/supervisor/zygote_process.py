"""The zygote: imports what the services need, once, and forks them when the supervisor says so.

What it forks are the supervisor's children, not its own: it knows nothing of their further life,
and its end is not theirs. It has no thread, no event loop and no secret of its own.
"""

import gc
import importlib
import os
import runpy
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence

import msgspec

from libs.linux import syscalls
from libs.linux.process_title import show_as
from libs.linux.sibling_fork import fork_as_sibling

MESSAGE_BYTES = 1 << 17
_MAX_DESCRIPTORS = 16


class Order(msgspec.Struct, frozen=True):
    """A service to be forked as a child of `parent`. Its log, the folder's lock and the sockets
    that it is to listen on come along."""

    module: str
    folder: str
    environment: dict[str, str]
    parent: int
    stop: int


class Report(msgspec.Struct, frozen=True):
    """One of: a module that can be ordered, the pid of what was forked, why nothing was."""

    loaded: str = ""
    pid: int = 0
    error: str = ""


def serve(channel: socket.socket, modules: Sequence[str], environment: Mapping[str, str]) -> Order:
    """Returns in services that were forked, with what each is to become; never in the zygote."""
    try:
        os.setsid()
        os.environ.clear()
        show_as(["rondo zygote"])
        os.environ.update(environment)
        if not sys.flags.safe_path:
            del sys.path[0]  # what lies beside the command, or around the operator
        syscalls.die_with_parent(signal.SIGKILL)
        gc.disable()
        return _serve(channel, deque(modules))
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)
    except BaseException as error:  # nothing of the supervisor's goes on in here
        channel.send(_encoded(Report(error=repr(error))))
        os._exit(1)


def become(order: Order) -> None:
    """As `python -m` does it. The module was imported by another name, which it gives up."""
    gc.enable()
    sys.modules.pop(f"{order.module}.__main__", None)
    sys.argv[1:] = []
    runpy.run_module(order.module, run_name="__main__", alter_sys=True)


def _serve(channel: socket.socket, waiting: deque[str]) -> Order:
    while True:
        while waiting and not select.select([channel], [], [], 0)[0]:
            importlib.import_module(f"{waiting[0]}.__main__")
            channel.send(_encoded(Report(loaded=waiting.popleft())))
        message, descriptors, _, _ = socket.recv_fds(channel, MESSAGE_BYTES, _MAX_DESCRIPTORS)
        if not message:
            os._exit(0)
        order = msgspec.json.decode(message, type=Order)
        if (report := _fork()).pid == 0:
            channel.close()
            _settle(order, *descriptors)
            return order
        for each in descriptors:
            os.close(each)
        channel.send(_encoded(report))


def _fork() -> Report:
    """A pid of 0 is in the child."""
    if len(os.listdir("/proc/self/task")) > 1:
        return Report(pid=-1, error="an import left a thread behind")
    gc.freeze()  # a collection in a child would touch, and so copy, all of it
    try:
        return Report(pid=fork_as_sibling())
    except OSError as error:
        return Report(pid=-1, error=str(error))


def _settle(order: Order, log: int, lock: int, *listeners: int) -> None:
    """All that a new process has of its own. The lock stays open, for nobody but this process."""
    os.setsid()
    syscalls.die_with_parent(signal.Signals(order.stop))
    if os.getppid() != order.parent:  # it ended before we could ask to be told
        os._exit(1)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    for each in {null, log}:
        os.close(each)
    for each in (lock, *listeners):
        os.set_inheritable(each, False)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment | listening_on(listeners))
    time.tzset()
    show_as([sys.executable, "-P", "-m", order.module])


def listening_on(listeners: Sequence[int]) -> dict[str, str]:
    """How a service learns which of its descriptors listen (libs/service/config.py)."""
    return {"RONDO_LISTEN_FDS": ",".join(map(str, listeners))} if listeners else {}


def _encoded(report: Report) -> bytes:
    return msgspec.json.encode(report)
