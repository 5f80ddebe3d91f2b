"""Ends whole process trees, whatever their members do to escape.

Two ways. In a pid namespace of its own, its first process kills all others in one system call, and
the kernel lets none slip through. Elsewhere a subreaper walks down /proc: it stops what it finds
until it finds nothing new, so that nothing forks meanwhile, and kills then. No rights are needed.
"""

import contextlib
import os
import signal
from collections.abc import Iterable, Set
from pathlib import Path
from typing import NamedTuple


class End(NamedTuple):
    """How a process ended, and what it took with those below it that it had waited for."""

    status: int  # as from wait(2)
    cpu_seconds: float
    max_rss_bytes: int


def children(pid: int) -> list[int]:
    """The direct children of `pid`, those not yet reaped included; empty when it is gone.

    Read without a lock: one that starts or ends meanwhile may be missing. Ask again until it is so.
    """
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            listing = Path(f"/proc/{pid}/task/{thread}/children").read_text()
            found.extend(map(int, listing.split()))
    return found


def descendants(pid: int) -> set[int]:
    """Every process below `pid`, itself not included."""
    found: set[int] = set()
    ahead = children(pid)
    while ahead:
        each = ahead.pop()
        if each not in found:
            found.add(each)
            ahead.extend(children(each))
    return found


def count(uid: int) -> int:
    """How many processes of `uid` there are on the machine, near what RLIMIT_NPROC counts."""
    total = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += os.stat(f"/proc/{name}").st_uid == uid
    return total


def end_children(keep: Set[int] = frozenset()) -> dict[int, End]:
    """Kill all our descendants but the trees of `keep`; return the ends of our children by pid.

    The caller must be a subreaper, else an orphan's child escapes to init.
    """
    ended: dict[int, End] = {}
    while doomed := [each for each in children(os.getpid()) if each not in keep]:
        _signal(_frozen(doomed), signal.SIGKILL)
        ended |= dict(map(_reaped, doomed))
    return ended


def end_namespace() -> dict[int, End]:
    """As process 1 of a pid namespace, kill all others in it; return their ends by pid."""
    ended: dict[int, End] = {}
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, end = _reaped(-1)
            ended[pid] = end
    return ended


def _reaped(pid: int) -> tuple[int, End]:
    pid, status, usage = os.wait4(pid, 0)
    return pid, End(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _frozen(roots: Iterable[int]) -> set[int]:
    """The trees of `roots`, stopped: passes until one finds nobody new, as nobody can fork."""
    stopped: set[int] = set()
    while new := {each for root in roots for each in {root, *descendants(root)}} - stopped:
        _signal(new, signal.SIGSTOP)
        stopped |= new
    return stopped


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
