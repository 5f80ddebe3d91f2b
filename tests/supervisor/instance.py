"""Starts `rondo up` for the tests, and watches the processes that it has."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.cluster import lay_cluster

PATIENCE = 90.0  # seconds that a busy machine may take for what is due
_ROOT = Path(__file__).parents[2]


class Instance:
    """A `rondo up` on `folder`/data with stand-in services; ended, if it still runs, by `with`.

    Its database cluster is a copy (tests/cluster.py); a folder that is there makes its own.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        environment: Mapping[str, str] | None = None,
        output: Path | None = None,
    ) -> None:
        self.data = folder / "data"
        if not (environment or {}).get("RONDO_POSTGRES_DSN"):
            lay_cluster(self.data)
        self.ready_file = folder / "ready.json"
        self.output = output or folder / "output.txt"
        command = [sys.executable, "-m", "tests.supervisor.rondo", "up", "--data", str(self.data)]
        command += ["--ready-file", str(self.ready_file), *(options or ("--port", "0"))]
        with self.output.open("wb") as stderr:
            self.process = subprocess.Popen(
                command, cwd=_ROOT, env=os.environ | (environment or {}), stderr=stderr
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def ready(self) -> dict[str, str]:
        """The content of the ready file, once it is there."""
        wait_until(lambda: self.ready_file.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.shown()
        found: dict[str, str] = json.loads(self.ready_file.read_bytes())
        return found

    def shown(self) -> str:
        """What the terminal has shown; nothing where it goes to a device, which may have no end."""
        return self.output.read_text() if self.output.is_file() else ""

    def end(self, sig: signal.Signals = signal.SIGTERM) -> int:
        """Its exit status after `sig`."""
        self.process.send_signal(sig)
        return self.process.wait(PATIENCE)

    def said(self, words: str) -> None:
        """Returns once the terminal has shown `words`."""
        wait_until(lambda: words in self.shown())

    def said_like(self, pattern: str) -> None:
        """As `said`, for words with a number in them that is a busy machine's."""
        wait_until(lambda: re.search(pattern, self.shown()))

    def environment(self, service: str) -> dict[str, str]:
        """What the stand-in for `service` got."""
        text = (self.data / service / "environment.json").read_bytes()
        found: dict[str, str] = json.loads(text)
        return found

    def pid(self, name: str) -> int:
        """The pid of the process called `name`, told by its command line."""
        mark = {"nats": "nats-server", "postgres": "/postgres\0-D"}.get(name, f".py\0{name}\0")
        [pid] = [pid for pid in children(self.process.pid) if mark in command_line(pid)]
        return pid


def wait_until(fact: Any) -> None:
    """Returns once `fact()` holds; fails after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not fact():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descendants(pid: int) -> list[int]:
    found = children(pid)
    return found + [deeper for child in found for deeper in descendants(child)]


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


class Witness:
    """Knows whether each of `pids` has ended, whatever becomes of their numbers."""

    def __init__(self, pids: list[int]) -> None:
        self._handles = {os.pidfd_open(pid): pid for pid in pids}

    def all_end(self, within: float) -> None:
        """Returns once all have ended; fails with those that live `within` seconds later."""
        deadline = time.monotonic() + within
        while self._handles:
            left = deadline - time.monotonic()
            ended, _, _ = select.select(list(self._handles), [], [], max(0.0, left))
            assert ended, f"still alive: {list(self._handles.values())}"
            for handle in ended:
                del self._handles[handle]
                os.close(handle)
