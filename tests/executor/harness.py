"""Runs scripts through a backend as the executor does, and finds what they leave behind.

BACKENDS are those that the contract holds for, LOCAL the ways in which the local one works.
"""

import asyncio
import contextlib
import os
import select
import sys
import textwrap
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from libs.blobs.local import LocalStore
from services.executor.backend import Backend, Capability, Mode, Outcome, Running, RunSpec
from services.executor.code_cache import CodeCache
from services.executor.local.backend import LocalBackend, LocalRun
from services.executor.local_files import LocalFiles
from services.executor.subprocess_backend import SubprocessBackend

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


class Stream:
    """All that a run has written to one of its streams so far."""

    def __init__(self) -> None:
        self.content = b""
        self._news = asyncio.Condition()
        self._over = asyncio.Event()

    async def all(self) -> str:
        await asyncio.wait_for(self._over.wait(), PATIENCE)
        return self.content.decode(errors="backslashreplace")

    async def until(self, text: str) -> None:
        async with self._news:
            there = self._news.wait_for(lambda: text in self.content.decode())
            await asyncio.wait_for(there, PATIENCE)

    async def add(self, data: bytes) -> None:
        self.content += data
        async with self._news:
            self._news.notify_all()

    def end(self) -> None:
        self._over.set()


class Run:
    """A run whose output is being read. `new` says whether it must be a new interpreter."""

    def __init__(self, running: Running, new: bool | None = None) -> None:
        self.running = running
        self.out, self.err = Stream(), Stream()
        self._new = new
        self._reading = asyncio.create_task(self._read())

    async def outcome(self) -> Outcome:
        outcome = await asyncio.wait_for(self.running.wait(), PATIENCE)
        started_new = bool(outcome.new_interpreter)
        assert self._new is None or started_new is self._new, outcome.new_interpreter
        return outcome

    @property
    def pid(self) -> int:
        """Of the main process, which only the local backend tells."""
        assert isinstance(self.running, LocalRun)
        return self.running.pid

    async def _read(self) -> None:
        async for stream, data, _ in self.running.output:
            await (self.out if stream == "stdout" else self.err).add(data)
        self.out.end()
        self.err.end()


def _content(path: Path) -> bool:
    """Whether it tells anything of a run."""
    return path.is_symlink() or not (path.is_dir() or path.stat().st_size <= 1)


@dataclass
class Harness:
    """A backend and a folder to put code into."""

    backend: Backend
    folder: Path
    mode: Mode = "exec"

    def able(self, protection: str) -> bool:
        """Whether one of the backend's sentences has these words."""
        return any(protection in each for each in self.backend.describe())

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
            await self.backend.prefetch(spec)
        prepared = await self.backend.prepare(spec)
        return Run(await prepared.start(), new)

    def left(self) -> list[Path]:
        """The folders that runs left; those kept for the next ones have no content in them."""
        forked = (self.folder / "templates").glob("*/temporary/" + "[0-9a-f]" * 16)
        filled = (folder for folder in forked if any(map(_content, folder.rglob("*"))))
        return [*(self.folder / "runs").iterdir(), *filled]

    def remains(self) -> list[Path]:
        """All that is there of runs once the backend is closed."""
        return [*(self.folder / "runs").iterdir(), *(self.folder / "templates").glob("*")]

    def spec(
        self,
        script: str,
        beside: dict[str, bytes] | None = None,
        python: Path = Path(sys.executable),
        **spec: Any,
    ) -> RunSpec:
        """`script` becomes the entrypoint; `beside` are other files of the archive."""
        main = spec.setdefault("entrypoint", "main.py")
        code = f"{uuid4().hex}.zip"
        with zipfile.ZipFile(self.folder / "blobs" / code, "w") as archive:
            archive.writestr(main, textwrap.dedent(script))
            for name, content in (beside or {}).items():
                archive.writestr(name, content)
        for name in ("run_id", "task_id"):
            spec.setdefault(name, uuid4())
        environment = self.environment(python)
        return RunSpec(
            **{"slot": 0, "code": code, "environment": environment, "mode": self.mode, **spec}
        )

    def environment(self, python: Path) -> str:
        """The id of one with this interpreter."""
        if python == Path(sys.executable):
            return sys.prefix
        if python.parent.name == "bin" and python.parents[1] != Path("/"):
            return str(python.parents[1])
        made = self.folder / "environments" / uuid4().hex / "bin"
        made.mkdir(parents=True)
        (made / "python").symlink_to(python)
        return made.parent.name


@dataclass
class LocalHarness(Harness):
    """With what only the local backend has."""

    backend: LocalBackend


def files(folder: Path) -> LocalFiles:
    """Where a harness puts code and environments. An environment anywhere else is named by its
    path.
    """
    (folder / "environments").mkdir(exist_ok=True)
    store = LocalStore(folder / "blobs")
    return LocalFiles(folder / "environments", CodeCache(store, folder / "code"))


@dataclass(frozen=True)
class Kind:
    """The local backend and a way to start runs on it.

    Without namespaces as on a machine that allows none: other code ends the runs there.
    """

    mode: Mode
    namespaces: bool
    capabilities = LocalBackend.capabilities

    async def open(self, folder: Path, zygotes: int = 16) -> LocalHarness:
        backend = await LocalBackend.open(
            folder / "runs", files(folder), namespaces=self.namespaces, zygotes=zygotes
        )
        return LocalHarness(backend, folder, self.mode)

    def __str__(self) -> str:
        return f"{self.mode}-{'namespaces' if self.namespaces else 'bare'}"


@dataclass(frozen=True)
class Plain:
    """The subprocess backend."""

    capabilities = SubprocessBackend.capabilities

    async def open(self, folder: Path) -> Harness:
        return Harness(SubprocessBackend(folder / "runs", files(folder)), folder)

    def __str__(self) -> str:
        return "subprocess"


LOCAL = [Kind(mode, namespaces) for mode in ("exec", "fork") for namespaces in (True, False)]
BACKENDS: list[Kind | Plain] = [*LOCAL, Plain()]


def promising(*capabilities: Capability) -> list[Kind | Plain]:
    """The backends that have these capabilities."""
    return [kind for kind in BACKENDS if kind.capabilities.issuperset(capabilities)]


def needs(runs: Harness, *capabilities: Capability) -> None:
    """Skip a test of what this backend does not promise."""
    if not runs.backend.capabilities.issuperset(capabilities):
        pytest.skip(f"the backend does not promise it: {capabilities}")
