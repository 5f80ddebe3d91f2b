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

_MAX_STDERR_BYTES = 1 << 20
_DOWNLOAD_START = re.compile(r"^Downloading (\S+) \((\S+)\)$", re.MULTILINE)
_DOWNLOAD_END = re.compile(r"^ Downloaded (\S+)$", re.MULTILINE)


class _Command(msgspec.Struct):
    pid: int
    stderr: IO[bytes]


class Progress:
    """The progress of one build, which the orchestration `name` waits for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._started_at = time.monotonic()
        self._command: _Command | None = None
        self._received: dict[str, int] = {}  # bytes, by connection
        self._fetching: list[str] = []
        self.step = "waiting"

    def begin(self, step: str, pid: int, stderr: IO[bytes]) -> None:
        """A command of this step begins, in the process `pid`; its stderr goes to the file."""
        self.step, self._command = step, _Command(pid, stderr)

    def end(self) -> None:
        """The command has ended."""
        self._fetching = []
        self.step, self._command = "finishing", None

    def sample(self) -> tuple[float, ...] | None:
        """Numbers that change as long as the command gets on; None while there is no command."""
        if self._command is None:
            return None
        pids = {self._command.pid, *descendants(self._command.pid)}
        for pid in pids:
            self._received |= received(pid)
        works = [worked(pid) for pid in pids]
        text = os.pread(self._command.stderr.fileno(), _MAX_STDERR_BYTES, 0).decode(
            errors="replace"
        )
        self._fetching = fetching(text)
        return (*(sum(each) for each in zip(*works, strict=True)), self._bytes(), len(text))

    def building(self) -> Building:
        """The build as the packager's status shows it."""
        return Building(
            orchestration=self._name,
            step=self.step,
            fetching=self._fetching,
            bytes=self._bytes(),
            seconds=round(time.monotonic() - self._started_at),
        )

    def _bytes(self) -> int:
        return sum(self._received.values())

    def describe(self) -> str:
        """For a message: `fetching torch (730.2MiB)`, or the step."""
        return self.building().doing


current: ContextVar[Progress | None] = ContextVar("current", default=None)
"""The progress of the build that runs this code."""


def fetching(stderr: str) -> list[str]:
    """What uv has begun to fetch and does not have yet, with sizes, by what it wrote to stderr."""
    done = set(_DOWNLOAD_END.findall(stderr))
    return [
        f"{name} ({size})" for name, size in _DOWNLOAD_START.findall(stderr) if name not in done
    ]
