"""The local backend: runs as processes of this machine, kept apart as far as that allows.

The straight road is that of a new interpreter. `forks` is asked first for something faster.
"""

import asyncio
import logging
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected, Unavailable
from libs.linux.cgroup import Group
from services.executor.backend import Capability, GiB, Outcome, RunSpec
from services.executor.local import process_spec
from services.executor.local.capabilities import describe
from services.executor.local.child.port_broker import DEFAULT_KEPT_PORTS
from services.executor.local.control import LauncherProcess
from services.executor.local.failure_hints import explain
from services.executor.local.forks import Fork, Forks
from services.executor.local.home import RunFolder
from services.executor.local.home_filler import HomeFiller
from services.executor.local.process import LocalProcess
from services.executor.local.protocol import Capabilities
from services.executor.local.zygote_client import ZygoteClient
from services.executor.local_files import LocalFiles
from services.executor.pipe_output import PipeOutput
from services.executor.resolved_spec import ResolvedSpec

_log = logging.getLogger(__name__)

FIRST_UID = 20000


class LocalBackend:
    """Implements Backend. `runs` is a folder of this backend alone: what is in it is removed.

    So is what lies in `templates` beside it, where the folders of forked runs are: each zygote
    is to see those of its own runs, and no others.

    As root, the run in slot n gets uid and gid `first_uid` + n.
    """

    capabilities: frozenset[Capability] = frozenset(
        {"limits", "isolation", "whole_tree", "unwinding"}
    )

    def __init__(
        self,
        runs: Path,
        files: LocalFiles,
        first_uid: int,
        namespaces: bool,
        kept_ports: str,
        launcher: LauncherProcess,
        zygotes: int,
        zygote_bytes: int,
    ) -> None:
        self._folder = runs
        self._files = files
        self._first_uid = first_uid
        self._namespaces = namespaces
        self._kept_ports = kept_ports
        self._launcher = launcher
        self._restarting = asyncio.Lock()
        self._processes: set[LocalProcess] = set()
        self._removals: set[asyncio.Task[None]] = set()
        self._known: set[UUID | None] = set()
        self._forks = Forks(self._start_zygote, zygotes, zygote_bytes)
        self._homes = HomeFiller()
        self._closed = False

    @classmethod
    async def open(
        cls,
        runs: Path,
        files: LocalFiles,
        first_uid: int = FIRST_UID,
        namespaces: bool = True,
        zygotes: int = 16,
        zygote_bytes: int = 2 * GiB,
        kept_ports: str = DEFAULT_KEPT_PORTS,
    ) -> "LocalBackend":
        """Start the launcher and clear what a killed predecessor left. Raises Unavailable.

        Without `namespaces` it works as where the machine refuses them. `zygotes` and
        `zygote_bytes` say how many warm interpreters are kept, `kept_ports` on which ports no run
        can listen, as in "20000-29399,8080".
        """
        runs = runs.resolve()
        for folder in (runs, runs.with_name("templates")):
            folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        launcher = await LauncherProcess.open(runs, first_uid, namespaces, kept_ports)
        for folder in (runs, runs.with_name("templates")):
            await asyncio.to_thread(_clear, folder, launcher.capabilities)
        return cls(runs, files, first_uid, namespaces, kept_ports, launcher, zygotes, zygote_bytes)

    @property
    def launcher_pid(self) -> int:
        """Of the process that all runs are below."""
        return self._launcher.pid

    def describe(self) -> list[str]:
        """See Backend.describe."""
        return describe(self._launcher.capabilities)

    def explain(self, last_words: bytes) -> str:
        """See Backend.explain."""
        return explain(last_words, self._launcher.capabilities)

    async def prepare(self, spec: RunSpec) -> "PreparedRun":
        """See Backend.prepare."""
        resolved = await self._files.resolve(spec)
        if spec.run_id in self._known:
            raise Rejected("conflict", f"run_id: {spec.run_id} is already running")
        self._known.add(spec.run_id)
        try:
            launcher = await self._living_launcher()
            return await self._prepared(
                resolved, await self._forks.take(resolved, launcher.capabilities)
            )
        except BaseException:
            self._known.discard(spec.run_id)
            raise

    async def adopt(self, run_id: UUID) -> None:
        """None: the launcher ends all runs when its executor has ended, or stands still (I7)."""

    async def prefetch(self, spec: RunSpec) -> str:
        """See Backend.prefetch."""
        resolved = await self._files.resolve(spec)
        launcher = await self._living_launcher()
        return await self._forks.prefetch(resolved, launcher.capabilities)

    async def close(self) -> None:
        """See Backend.close."""
        self._closed = True
        await asyncio.gather(*(process.discard() for process in self._processes))
        await asyncio.gather(*self._removals)
        # Side by side: zygotes and all else that the launcher has made die with it.
        await asyncio.gather(self._forks.close(), self._launcher.close())

    async def replacement(self, run: "PreparedRun", problem: str) -> "PreparedRun | None":
        """For one that could not be started; None if code of the user's may have begun."""
        if run.fork is None:
            return None
        fork = await self._forks.replace(run.fork, run.spec, problem)
        return None if fork is None else await self._prepared(run.spec, fork)

    async def _prepared(self, spec: ResolvedSpec, fork: Fork | str) -> "PreparedRun":
        if not isinstance(fork, str):
            try:
                await self._become(spec, fork.process, fork.inside)
                return PreparedRun(self, spec, fork.process, "", fork)
            except Unavailable as problem:
                if not fork.lost:
                    raise
                fork = str(problem)
        folder, process = await self._new_process(spec)
        await self._become(spec, process, folder)
        return PreparedRun(self, spec, process, fork, None)

    async def _new_process(self, spec: ResolvedSpec) -> tuple[RunFolder, LocalProcess]:
        """That will be a new interpreter."""
        launcher = await self._living_launcher()
        folder = RunFolder(self._folder / str(spec.run_id))
        try:
            folder.make()
        except OSError as error:
            raise Unavailable(f"can't make the folder of a run: {error}") from error
        machine = launcher.capabilities
        paths = process_spec.visible_paths(spec.python, machine)
        name = folder.path.name  # what is left is found by it
        order = process_spec.prepare(name, paths, spec.limits, folder, machine, forked=False)
        try:
            return folder, await LocalProcess.prepare(order, folder, launcher)
        except BaseException:
            folder.remove()
            raise

    async def _become(self, spec: ResolvedSpec, process: LocalProcess, inside: RunFolder) -> None:
        """Make the process this run, but for its start. On failure nothing of it is left."""
        machine = self._launcher.capabilities
        uid = None if machine.no_uids else self._first_uid + spec.slot
        try:
            await self._homes.fill(process.folder, spec, uid)
            process.launch(spec, process_spec.launch(spec, inside, machine, uid))
        except BaseException:
            await process.discard()
            raise
        process.run_id = spec.run_id
        self._known.add(spec.run_id)
        self._processes.add(process)
        process.on_end(self._ended)

    def _ended(self, process: LocalProcess) -> None:
        self._processes.discard(process)
        self._known.discard(process.run_id)
        removal = asyncio.create_task(process.wait_removed())
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)

    async def _start_zygote(self, python: Path, script_path: str) -> ZygoteClient:
        launcher, folder = await self._living_launcher(), self._folder.with_name("templates")
        return await ZygoteClient.start(
            python, script_path, folder, launcher, launcher.capabilities, self._first_uid
        )

    async def _living_launcher(self) -> LauncherProcess:
        async with self._restarting:
            if self._closed:
                raise Unavailable("the executor is stopping")
            if self._launcher.lost.is_set():
                await self._launcher.close()
                self._launcher = await LauncherProcess.open(
                    self._folder, self._first_uid, self._namespaces, self._kept_ports
                )
            return self._launcher


class PreparedRun:
    """Implements Prepared. `new` says why it is a new interpreter; else it is the `fork`."""

    def __init__(
        self,
        backend: LocalBackend,
        spec: ResolvedSpec,
        process: LocalProcess,
        new: str,
        fork: Fork | None,
    ) -> None:
        self.spec = spec
        self.fork = fork
        self._backend = backend
        self._process = process
        self._new = new

    async def start(self) -> "LocalRun":
        """See Prepared.start."""
        try:
            await self._process.start()
        except Unavailable as problem:
            other = await self._backend.replacement(self, str(problem))
            if other is None:
                raise
            return await other.start()
        new = self._new or self._process.new
        if new:
            _log.info("run %s is a new interpreter: %s", self.spec.run_id, new)
        own_imports = self.fork.own_imports if self.fork and not new else ""
        return LocalRun(self._process, new, own_imports)

    async def discard(self) -> None:
        """See Prepared.discard."""
        await self._process.discard()


class LocalRun:
    """Implements Running."""

    def __init__(self, process: LocalProcess, new: str, own_imports: str) -> None:
        self.pid = process.pid
        self.output = PipeOutput(process.stdout, process.stderr)
        self._process = process
        self._new = new
        self._own_imports = own_imports

    async def wait(self) -> Outcome:
        """See Running.wait."""
        outcome = await self._process.wait()
        return msgspec.structs.replace(
            outcome, new_interpreter=self._new, own_imports=self._own_imports
        )

    async def stop(
        self, status: Literal["killed", "timed_out"], within: float | None = None
    ) -> None:
        """See Running.stop."""
        await self._process.stop(status, within)


def _clear(runs: Path, machine: Capabilities) -> None:
    """The folders and empty control groups of runs whose executor was killed."""
    for left in runs.iterdir():
        group = Path(machine.cgroup_parent) / f"rondo-{left.name}"
        if machine.cgroup_parent and group.exists():
            Group(group).remove()
        RunFolder(left).remove()
