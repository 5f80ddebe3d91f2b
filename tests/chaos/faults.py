"""What goes wrong: any process of the platform is killed, or stands still for a while and goes on;
the disk is full. Drawn from a seed, carried out, and made good."""

import asyncio
import os
import random
import signal
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from tests.platform import OF_INFERENCE, SERVICES, Platform
from tests.small_disk import SmallDisk
from tests.supervisor.instance import command_line, descendants

SERVED = (*SERVICES, "nats", "postgres")
# A launcher, the processes below it (shims, warm interpreters, runs), and any process at all.
DEEPER = ("launcher", "below a launcher", "any", *OF_INFERENCE)
_LAUNCHER = "services.executor.local.child.launcher"
_FULL = 1 << 20  # bytes left free on a full disk: too few for a write of the stores

Kind = Literal["kill", "stop", "stop and kill", "full disk"]


@dataclass(frozen=True)
class Fault:
    """`after` seconds after the one before; what stands still does so for `lasts` seconds."""

    kind: Kind
    victim: str
    after: float
    lasts: float
    pick: float  # which of several victims, from 0 to 1


def drawn(dice: random.Random, disk: bool) -> Iterator[Fault]:
    """For ever. Every victim has its turn before one comes again."""
    while True:
        turns: list[tuple[Kind, str]] = [("kill", name) for name in (*SERVED, *DEEPER)]
        turns += [("stop", name) for name in (*SERVED, *DEEPER, "rondo up")]
        turns += [("stop and kill", name) for name in ("scheduler", "executor", "nats")]
        if disk:
            turns += [("full disk", "disk")] * 2
        for kind, victim in dice.sample(turns, len(turns)):
            # An executor's lease lapses in 5 s, and its runs are given up 5 s later.
            lasts = dice.choice([dice.uniform(0.5, 3), dice.uniform(3, 14)])
            yield Fault(
                kind, victim, round(dice.uniform(0.2, 2), 2), round(lasts, 2), dice.random()
            )


class Trouble:
    """Carries faults out; at its end all of them are made good."""

    def __init__(self, platform: Platform, disk: SmallDisk | None) -> None:
        self._platform = platform
        self._disk = disk
        self._under_way: set[asyncio.Task[None]] = set()
        self._still: set[int] = set()

    async def make(self, fault: Fault) -> None:
        """Returns once it is made; what stands still goes on by itself later."""
        await asyncio.sleep(fault.after)  # the drawn moment
        if fault.kind == "full disk":
            self._later(self._full(fault.lasts))
            return
        pid = self._pid(fault)
        if pid is None:
            return
        if fault.kind == "kill":
            _send(pid, signal.SIGKILL)
        else:
            then = signal.SIGKILL if fault.kind == "stop and kill" else signal.SIGCONT
            self._later(self._stand_still(pid, fault.lasts, then))

    async def over(self) -> None:
        """Once nothing stands still, and there is room again."""
        while self._under_way:
            await asyncio.wait(self._under_way)
            self._under_way = {one for one in self._under_way if not one.done()}

    def good(self) -> None:
        """At once, whatever was under way."""
        for one in self._under_way:
            one.cancel()
        for pid in self._still:
            _send(pid, signal.SIGCONT)
        if self._disk is not None:
            self._disk.relieve()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        self._under_way.add(asyncio.create_task(work))

    async def _stand_still(self, pid: int, seconds: float, then: signal.Signals) -> None:
        _send(pid, signal.SIGSTOP)
        self._still.add(pid)
        await asyncio.sleep(seconds)
        self._still.discard(pid)
        _send(pid, then)

    async def _full(self, seconds: float) -> None:
        if self._disk is None:
            return
        await asyncio.to_thread(self._disk.fill, _FULL)
        await asyncio.sleep(seconds)
        self._disk.relieve()

    def _pid(self, fault: Fault) -> int | None:
        """None where there is no such process at the moment."""
        if fault.victim in SERVED:
            return self._platform.pid(fault.victim)
        if fault.victim == "rondo up":
            return self._platform.supervisor
        found = self._found(fault.victim)
        return found[int(fault.pick * len(found))] if found else None

    def _found(self, victim: str) -> list[int]:
        if victim in OF_INFERENCE:
            return self._platform.of_inference(victim)
        every = _living(self._platform.supervisor)
        if victim == "any":
            return every
        launchers = [pid for pid in every if _LAUNCHER in _said(pid)]
        if victim == "launcher":
            return launchers
        below = {pid for launcher in launchers for pid in _living(launcher)}
        return sorted(below - set(launchers))


def _send(pid: int, sig: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, sig)


def _living(pid: int) -> list[int]:
    try:
        return descendants(pid)
    except FileNotFoundError:  # one of them has just ended
        return []


def _said(pid: int) -> str:
    try:
        return command_line(pid)
    except FileNotFoundError:
        return ""
