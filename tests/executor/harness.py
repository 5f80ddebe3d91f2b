"""Runs scripts through a backend as the executor does, and finds what they leave behind."""

import asyncio
import contextlib
import os
import select
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from services.executor.backend import Mode, Outcome, RunSpec
from services.executor.local.backend import LocalBackend
from services.executor.local.process import LocalProcess

PATIENCE = 60.0  # seconds, for what should take milliseconds

# A script with this in front can leave a process that is no child of its own, in another session,
# with an empty environment and none of its streams. It returns when that process is really there.
DAEMON = """
import os, sys
def daemon(mark):
    seen, alive = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            null = os.open(os.devnull, os.O_RDWR)
            for stream in 0, 1, 2:
                os.dup2(null, stream)
            os.execve("/bin/sleep", ["sleep", mark], {})
        os._exit(0)
    os.wait()
    os.close(alive)
    os.read(seen, 1)  # ends at the exec, which closes the daemon's copy
"""


def mark() -> str:
    """An argument for `sleep` that no other process of the machine has."""
    return f"9999.{uuid4().int}"


def living(argument: str) -> list[int]:
    """The processes with an argument that ends so, whoever's they are."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            arguments = Path(f"/proc/{name}/cmdline").read_text(errors="replace").split("\0")
            if any(each.endswith(argument) for each in arguments):
                found.append(int(name))
    return found


async def ended(pid: int) -> None:
    """Wait until the process is dead, reaped or not."""
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with os.fdopen(watch):
        ready, _, _ = await asyncio.to_thread(select.select, [watch], [], [], PATIENCE)
    assert ready, f"process {pid} lives on"


def parent_of(pid: int) -> int:
    """As the machine sees it, whatever namespace the process is in."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@dataclass(frozen=True)
class Kind:
    """A backend and a way to start runs on it.

    Without namespaces as on a machine that allows none: other code ends the runs there.
    """

    mode: Mode
    namespaces: bool

    async def open(self, folder: Path) -> "Harness":
        backend = await LocalBackend.open(folder / "runs", namespaces=self.namespaces)
        return Harness(backend, folder, self.mode)

    def __str__(self) -> str:
        return f"{self.mode}-{'namespaces' if self.namespaces else 'bare'}"


KINDS = [Kind(mode, namespaces) for mode in ("exec", "fork") for namespaces in (True, False)]


class Stream:
    """All that came out of a pipe so far."""

    def __init__(self, descriptor: int) -> None:
        self.content = b""
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read(descriptor))

    async def all(self) -> str:
        await asyncio.wait_for(asyncio.shield(self._reading), PATIENCE)
        return self.content.decode(errors="backslashreplace")

    async def until(self, text: str) -> None:
        async with self._news:
            there = self._news.wait_for(lambda: text in self.content.decode())
            await asyncio.wait_for(there, PATIENCE)

    async def _read(self, descriptor: int) -> None:
        loop = asyncio.get_running_loop()
        with os.fdopen(descriptor, "rb", buffering=0) as pipe:
            while True:
                readable = asyncio.Event()
                loop.add_reader(pipe, readable.set)
                await readable.wait()
                loop.remove_reader(pipe)
                piece = pipe.read(1 << 16)
                self.content += piece or b""
                async with self._news:
                    self._news.notify_all()
                if piece == b"":
                    return


@dataclass
class Run:
    """A run with both its streams being read."""

    running: LocalProcess
    out: Stream = field(init=False)
    err: Stream = field(init=False)

    def __post_init__(self) -> None:
        self.out, self.err = Stream(self.running.stdout), Stream(self.running.stderr)

    async def outcome(self) -> Outcome:
        outcome = await asyncio.wait_for(self.running.wait(), PATIENCE)
        await asyncio.wait_for(self.running.wait_removed(), PATIENCE)
        return outcome


def _content(path: Path) -> bool:
    """Whether it tells anything of a run."""
    return path.is_symlink() or not (path.is_dir() or path.stat().st_size <= 1)


@dataclass
class Harness:
    """A backend and a folder to put code into."""

    backend: LocalBackend
    folder: Path
    mode: Mode = "exec"

    def able(self, protection: str) -> bool:
        """Whether one of the backend's sentences has these words."""
        return any(protection in each for each in self.backend.capabilities())

    async def run(
        self, script: str, beside: dict[str, bytes] | None = None, **spec: Any
    ) -> tuple[Outcome, str, str]:
        """The outcome, all of stdout, all of stderr; arguments as for `spec`."""
        run = await self.start(self.spec(script, beside, **spec))
        return await run.outcome(), await run.out.all(), await run.err.all()

    async def start(self, spec: RunSpec) -> Run:
        """In the way asked for, and no other."""
        return await self.start_anyhow(spec, new=spec.mode == "exec")

    async def start_anyhow(self, spec: RunSpec, new: bool | None = None) -> Run:
        """`new` says whether it must be a new interpreter or must be a fork of a warm one."""
        if spec.mode == "fork":
            await self.backend.warm(spec)
        run = Run(await self.backend.start(spec))
        assert new is None or bool(run.running.new) is new, run.running.new
        return run

    def left(self) -> list[Path]:
        """The folders that runs left; those kept for the next ones have no content in them."""
        forked = (self.folder / "templates").glob("*/temporary/" + "[0-9a-f]" * 16)
        filled = (folder for folder in forked if any(map(_content, folder.rglob("*"))))
        return [*(self.folder / "runs").iterdir(), *filled]

    def spec(self, script: str, beside: dict[str, bytes] | None = None, **spec: Any) -> RunSpec:
        """`script` becomes the entrypoint; `beside` are other files of the tree."""
        code = self.folder / uuid4().hex
        main = spec.setdefault("entrypoint", "main.py")
        for name, content in {main: textwrap.dedent(script).encode(), **(beside or {})}.items():
            (code / name).parent.mkdir(parents=True, exist_ok=True)
            (code / name).write_bytes(content)
        for name in ("run_id", "task_id"):
            spec.setdefault(name, uuid4())
        return RunSpec(
            **{"slot": 0, "code": code, "python": Path(sys.executable), "mode": self.mode, **spec}
        )
