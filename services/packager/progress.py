"""How far a build is: which step, what uv is fetching, how much its processes have done so far.

uv says on stderr when it begins to fetch a large package and when it has it; how many bytes have
come, and what was written and computed, is the kernel's own account of its processes (proc(5)). uv
keeps what comes in memory for long, so what it writes alone says little.
"""

import os
import re
import time
from contextvars import ContextVar
from typing import IO

import msgspec

from libs.linux.proc import worked
from libs.linux.process import descendants
from libs.linux.tcp_received import received
from libs.telemetry.status import Building

_SAID = 1 << 20  # bytes of stderr that are looked at
_BEGUN = re.compile(r"^Downloading (\S+) \((\S+)\)$", re.MULTILINE)
_DONE = re.compile(r"^ Downloaded (\S+)$", re.MULTILINE)


class _Command(msgspec.Struct):
    pid: int
    said: IO[bytes]


class Progress:
    """Of the build that `name` (an orchestration) waits for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._begun = time.monotonic()
        self._command: _Command | None = None
        self._received: dict[str, int] = {}  # bytes, by connection
        self._fetching: list[str] = []
        self.step = "waiting"

    def begins(self, step: str, pid: int, said: IO[bytes]) -> None:
        """A command of that step, in a process `pid` whose stderr goes to the file `said`."""
        self.step, self._command = step, _Command(pid, said)

    def ends(self) -> None:
        """It has ended."""
        self._fetching = []
        self.step, self._command = "finishing", None

    def look(self) -> tuple[float, ...] | None:
        """What changes as long as the command gets on; None while there is none."""
        if self._command is None:
            return None
        pids = {self._command.pid, *descendants(self._command.pid)}
        for pid in pids:
            self._received |= received(pid)
        works = [worked(pid) for pid in pids]
        text = os.pread(self._command.said.fileno(), _SAID, 0).decode(errors="replace")
        self._fetching = fetching(text)
        return (*(sum(each) for each in zip(*works, strict=True)), self._bytes(), len(text))

    def building(self) -> Building:
        """As it is shown."""
        return Building(
            orchestration=self._name,
            step=self.step,
            fetching=self._fetching,
            bytes=self._bytes(),
            seconds=round(time.monotonic() - self._begun),
        )

    def _bytes(self) -> int:
        return sum(self._received.values())

    def doing(self) -> str:
        """For a message: `fetching torch (730.2MiB)`, or the step."""
        return self.building().doing


current: ContextVar[Progress | None] = ContextVar("current", default=None)
"""Of the build that runs this code."""


def fetching(said: str) -> list[str]:
    """What uv has begun to fetch and does not have yet, with sizes, by what it said."""
    done = set(_DONE.findall(said))
    return [f"{name} ({size})" for name, size in _BEGUN.findall(said) if name not in done]
