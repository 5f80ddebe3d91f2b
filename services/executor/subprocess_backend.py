"""The plain backend: a run is `python main.py` in a folder of its own, and no more.

It asks for nothing but POSIX, so it also serves where the local one can't run (macOS). It keeps
runs from nothing: they run as our user and see all that we see, and what leaves their process
group outlives them.
"""

import asyncio
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected, Unavailable
from libs.domain.run_end import Verdict
from services.executor import process_outcome
from services.executor.backend import Capability, Outcome, RunSpec
from services.executor.local_files import LocalFiles
from services.executor.pipe_output import PipeOutput
from services.executor.resolved_spec import ResolvedSpec, too_large

_MAX_RUNS = 1000  # a thread waits for each
_MAX_VARIABLE_BYTES = 1 << 17  # as long as Linux lets one be
_WHY_NEW = "its executor makes each run a new interpreter"
_LOOKS, _EVERY = 100, 0.01  # seconds
_RSS_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of getrusage(2)


class SubprocessBackend:
    """Implements Backend. `folder` is this backend's alone: what is in it is removed."""

    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, folder: Path, files: LocalFiles) -> None:
        self._folder = folder.resolve()
        self._files = files
        self._closed = False
        self.runs: dict[UUID, PlainRun] = {}
        self.waiters = ThreadPoolExecutor(_MAX_RUNS, "wait")
        _remove(self._folder)
        self._folder.mkdir(mode=0o700, parents=True)

    def describe(self) -> list[str]:
        """See Backend.describe."""
        return [
            "Runs are plain processes of our user: nothing keeps them from each other or from us,"
            " so trust whoever may upload.",
            "Nothing limits their memory, files and processes.",
            "Processes that leave the group of their run outlive it.",
        ]

    def explain(self, last_words: bytes) -> str:
        """Nothing: a run has what the machine has."""
        return ""

    async def prepare(self, spec: RunSpec) -> "PlainRun":
        """See Backend.prepare."""
        resolved = await self._files.resolve(spec)
        if any(len(value) >= _MAX_VARIABLE_BYTES for value in spec.variables.values()):
            raise too_large()
        if spec.run_id in self.runs:
            raise Rejected("conflict", f"run_id: {spec.run_id} is already running")
        if self._closed:
            raise Unavailable("the executor is stopping")
        run = self.runs[spec.run_id] = PlainRun(self, resolved, self._folder / str(spec.run_id))
        filling = asyncio.create_task(asyncio.to_thread(run.fill))
        try:
            await asyncio.shield(filling)
        except BaseException as error:
            await asyncio.wait([filling])  # a thread goes on when we are cancelled
            await run.discard()
            if isinstance(error, OSError):
                raise Unavailable(f"can't fill the folder of a run: {error}") from error
            raise
        return run

    async def adopt(self, run_id: UUID) -> None:
        """None: runs end when we are stopped, and nobody has those of one that was killed."""

    async def prefetch(self, spec: RunSpec) -> str:
        """See Backend.prefetch."""
        await self._files.resolve(spec)
        return _WHY_NEW

    async def close(self) -> None:
        """See Backend.close."""
        self._closed = True
        await asyncio.gather(*(run.discard() for run in tuple(self.runs.values())))
        self.waiters.shutdown()


class PlainRun:
    """Implements Prepared and, once it is started, Running."""

    output: PipeOutput

    def __init__(self, backend: SubprocessBackend, spec: ResolvedSpec, folder: Path) -> None:
        self._backend = backend
        self._spec = spec
        self._folder, self._home, self._temporary = folder, folder / "home", folder / "tmp"
        self._loop = asyncio.get_running_loop()
        self._process: subprocess.Popen[bytes] | None = None
        self._verdict: Verdict | None = None  # of who ended it
        self._ends_at = math.inf  # by the loop's clock
        self._timers: list[asyncio.TimerHandle] = []
        self._outcome: asyncio.Future[Outcome] = self._loop.create_future()

    def fill(self) -> None:
        """Its home, with all that it gets. Raises OSError."""
        shutil.copytree(self._spec.tree, self._home)
        self._temporary.mkdir()
        for name, content in self._spec.private_files().items():
            file = self._home / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(0o600)
            file.write_bytes(content)

    async def start(self) -> "PlainRun":
        """See Prepared.start."""
        (stdout, to_stdout), (stderr, to_stderr) = os.pipe(), os.pipe()
        self.output = PipeOutput(stdout, stderr)
        script = self._home / self._spec.entrypoint
        try:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - the point
                [self._spec.python, "-u", script],
                cwd=script.parent,
                env=self._spec.process_environment(str(self._home), str(self._temporary)),
                stdin=subprocess.DEVNULL,
                stdout=to_stdout,
                stderr=to_stderr,
                start_new_session=True,
                preexec_fn=_reset_signals,  # noqa: PLW1509 - it takes no lock
            )
        except OSError as error:
            await self._end(process_outcome.start_failed(f"{self._spec.python}: {error.strerror}"))
            return self
        finally:
            os.close(to_stdout)
            os.close(to_stderr)
        self._watching = asyncio.create_task(self._watch(self._process))
        if self._spec.timeout is not None:
            self._later(self._spec.timeout, lambda: self._ask(process_outcome.TIMED_OUT, math.inf))
        return self

    async def discard(self) -> None:
        """See Prepared.discard."""
        if self._process:
            await self.stop("killed", within=0)
        elif not self._outcome.done():
            await self._end(process_outcome.start_failed("it was discarded"))

    async def wait(self) -> Outcome:
        """See Running.wait."""
        return await asyncio.shield(self._outcome)

    async def stop(
        self, status: Literal["killed", "timed_out"], within: float | None = None
    ) -> None:
        """See Running.stop."""
        why = process_outcome.KILLED if status == "killed" else process_outcome.TIMED_OUT
        self._ask(why, math.inf if within is None else within)
        await self.wait()

    def _ask(self, why: Verdict, within: float) -> None:
        grace = min(within, self._spec.grace)
        ends_at = self._loop.time() + grace
        if self._outcome.done() or ends_at >= self._ends_at:
            return
        if self._process and self._verdict is None and grace > 0:
            self._process.send_signal(signal.SIGTERM)
        self._verdict, self._ends_at = self._verdict or why, ends_at
        self._later(grace, self._kill)

    def _later(self, seconds: float, call: Callable[[], object]) -> None:
        self._timers.append(self._loop.call_later(seconds, call))

    def _kill(self) -> bool:
        """All that is in its process group; False if there is nothing."""
        if self._process is None:
            return False
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS says the latter of the dead
            return False
        return True

    async def _end_group(self) -> None:
        """What its main process has left behind. It may wait to be reaped by init, but not long."""
        for _ in range(_LOOKS):
            if not self._kill():
                return
            await asyncio.sleep(_EVERY)

    async def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        waiting = self._loop.run_in_executor(self._backend.waiters, os.wait4, process.pid, 0)
        _, status, usage = await waiting
        process.returncode = os.waitstatus_to_exitcode(status)
        await self._end_group()
        self.output.finish()
        why = self._verdict or process_outcome.by_itself(status)
        cpu, rss = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _RSS_BYTES
        await self._end(process_outcome.outcome(why, status, cpu, rss))

    async def _end(self, outcome: Outcome) -> None:
        for timer in self._timers:
            timer.cancel()
        await asyncio.to_thread(_remove, self._folder)
        del self._backend.runs[self._spec.run_id]
        self._outcome.set_result(msgspec.structs.replace(outcome, new_interpreter=_WHY_NEW))


def _remove(folder: Path) -> None:
    """Whatever modes and depths a run has left in it."""
    for tool in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
        subprocess.run([*tool, "--", folder], check=False, stderr=subprocess.DEVNULL)  # noqa: S603


def _reset_signals() -> None:
    """Signals that we ignore (nohup, a shell's `&`) would be ignored in the run too."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
