"""Starts the guards of steps that run in environments, and ends them with what they belong to."""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from libs.domain.errors import Unavailable
from libs.linux.proc import cpu_seconds, resident
from libs.linux.process import descendants
from services.inference import plan
from services.inference.control.slots import Slots

_PASSED_ON = ("PATH", "LANG", "TZ", "PYTHONPATH")


class NewStep(msgspec.Struct, frozen=True):
    """`file` is its SHA-256 and its key in the blob store; `archive` says that it is unpacked."""

    file: tuple[str, str]
    environment: str
    archive: bool
    threads: int = 1


class StepGuard:
    """One guard with its worker."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def resident(self) -> int:
        """Bytes of memory that both have now."""
        return sum(map(resident, self._pids()))

    def cpu_seconds(self) -> float:
        """That both have used so far."""
        return sum(map(cpu_seconds, self._pids()))

    def end(self) -> None:
        """At once; its worker ends with it."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def wait(self) -> None:
        """Until it has ended."""
        await self._process.wait()

    def _pids(self) -> set[int]:
        if self._process.returncode is not None:
            return set()
        return {self._process.pid, *descendants(self._process.pid)}


class StepGuards:
    """`environments` are the packager's; `folder` is ours, for archives while their steps run."""

    def __init__(
        self, environ: Mapping[str, str], environments: Path, folder: Path, slots: Slots
    ) -> None:
        self._environ = {name: environ[name] for name in _PASSED_ON if name in environ}
        self._environments = environments.absolute()
        self._folder = folder.absolute()
        self._slots = slots
        self._tasks: set[asyncio.Task[None]] = set()
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier life
        folder.mkdir(parents=True)
        folder.chmod(0o711)

    async def start(
        self, name: str, step: NewStep, file: int, memory: int | None
    ) -> tuple[socket.socket, StepGuard]:
        """The replica's end of its channel, and the guard. Raises Unavailable."""
        environment = self._environments / step.environment
        if not environment.is_dir():
            raise Unavailable(f"environment {step.environment} is not there yet")
        home = self._home()
        uid = self._slots.take() if os.geteuid() == 0 else None
        order = plan.StepOrder(
            name, str(environment), str(home), uid, memory, step.archive, step.threads
        )
        ours, theirs = socket.socketpair()
        try:
            process = await self._run(theirs.fileno(), file, order)
        except BaseException as problem:
            ours.close()
            self._clear(home, uid)
            if isinstance(problem, OSError):
                raise Unavailable(f"no step can be started: {problem}") from problem
            raise
        finally:
            theirs.close()
        guard = StepGuard(process)
        task = asyncio.create_task(self._cleared(guard, home, uid))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return ours, guard

    def _home(self) -> Path:
        try:
            return Path(tempfile.mkdtemp(dir=self._folder))
        except OSError as problem:
            raise Unavailable(f"a step gets no folder: {problem.strerror}") from problem

    async def _run(
        self, channel: int, file: int, order: plan.StepOrder
    ) -> asyncio.subprocess.Process:
        words = (str(channel), str(file), msgspec.json.encode(order).decode())
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "services.inference.replica.step_guard", *words),
            env=self._environ,
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=[channel, file],
            cwd="/",
        )

    async def _cleared(self, guard: StepGuard, home: Path, uid: int | None) -> None:
        await guard.wait()
        await asyncio.to_thread(self._clear, home, uid)

    def _clear(self, home: Path, uid: int | None) -> None:
        shutil.rmtree(home, ignore_errors=True)
        self._slots.give_back(uid)
