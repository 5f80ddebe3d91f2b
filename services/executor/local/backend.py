"""The local backend: runs as processes of this machine, forks of warm interpreters or new ones."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

from libs.domain.errors import Rejected, Unavailable
from libs.linux.cgroup import Group
from services.executor.backend import GiB, RunSpec
from services.executor.local import process_spec
from services.executor.local.capabilities import describe
from services.executor.local.child import mounts
from services.executor.local.child.port_broker import DEFAULT_KEPT_PORTS
from services.executor.local.control import LauncherProcess
from services.executor.local.failure_hints import explain
from services.executor.local.home import RunFolder, is_small
from services.executor.local.process import LocalProcess
from services.executor.local.protocol import Capabilities
from services.executor.local.zygote import script_imports
from services.executor.local.zygote_client import ZygoteClient
from services.executor.local.zygote_pool import ZygotePool, ZygoteRequest

FIRST_UID = 20000
_MAX_REMEMBERED = 1000


class LocalBackend:
    """Implements Backend. `runs` is a folder of this backend alone: what is in it is removed.

    So is what lies in `templates` beside it, where the folders of forked runs are: each zygote
    is to see those of its own runs, and no others.

    As root, the run in slot n gets uid and gid `first_uid` + n.
    """

    def __init__(
        self,
        runs: Path,
        first_uid: int,
        namespaces: bool,
        kept_ports: str,
        launcher: LauncherProcess,
        zygotes: int,
        zygote_bytes: int,
    ) -> None:
        self._folder = runs
        self._first_uid = first_uid
        self._namespaces = namespaces
        self._kept_ports = kept_ports
        self._launcher = launcher
        self._restarting = asyncio.Lock()
        self._runs: set[LocalProcess] = set()
        self._removals: set[asyncio.Task[None]] = set()
        self._known: set[UUID | None] = set()
        self._zygotes = ZygotePool(self._start_zygote, zygotes, zygote_bytes)
        self._imports: dict[tuple[Path, str], script_imports.ScriptImports] = {}
        self._small: dict[Path, bool] = {}
        self._closed = False

    @classmethod
    async def open(
        cls,
        runs: Path,
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
        return cls(runs, first_uid, namespaces, kept_ports, launcher, zygotes, zygote_bytes)

    @property
    def launcher_pid(self) -> int:
        return self._launcher.pid

    def capabilities(self) -> list[str]:
        """What protects runs from each other here and what cannot, as sentences for people."""
        return describe(self._launcher.capabilities)

    def explain(self, last_words: bytes) -> str:
        """See Backend.explain."""
        return explain(last_words, self._launcher.capabilities)

    async def start(self, spec: RunSpec) -> LocalProcess:
        """See Backend.start."""
        return await (await self.prepare(spec)).start()

    async def prepare(self, spec: RunSpec) -> "PreparedRun":
        """See Backend.prepare."""
        process_spec.check(spec)
        if spec.run_id in self._known:
            raise Rejected("conflict", f"run_id: {spec.run_id} is already running")
        self._known.add(spec.run_id)
        try:
            launcher = await self._living_launcher()
            reason = process_spec.exec_reason(spec) or launcher.capabilities.no_zygotes
            request = await self._zygote_request(spec)
            zygote = reason or self._zygotes.find(request)
            if not isinstance(zygote, str):
                try:
                    return await self._fork(spec, zygote, self._zygotes.own_imports(request))
                except Unavailable as problem:
                    if not zygote.lost:
                        raise
                    zygote = str(problem)
            return await self._new(spec, zygote)
        except BaseException:
            self._known.discard(spec.run_id)
            raise

    async def warm(self, spec: RunSpec) -> str:
        """Return when a run like this one would be forked, or with the reason why it never is."""
        launcher = await self._living_launcher()
        if reason := process_spec.exec_reason(spec) or launcher.capabilities.no_zygotes:
            return reason
        zygote = await self._zygotes.warm(await self._zygote_request(spec))
        return zygote if isinstance(zygote, str) else ""

    async def close(self) -> None:
        """Kill all runs and give back everything."""
        self._closed = True
        await asyncio.gather(*(run.discard() for run in self._runs))
        await asyncio.gather(*self._removals)
        # Side by side: zygotes and all else that the launcher has made die with it.
        await asyncio.gather(self._zygotes.close(), self._launcher.close())

    async def _fork(self, spec: RunSpec, zygote: ZygoteClient, own_imports: str) -> "PreparedRun":
        run, inside = await zygote.take(spec.limits)
        run.left = own_imports

        async def anew(problem: str) -> PreparedRun | None:
            if zygote.lost:
                return await self._new(spec, problem)
            return await self._fork(spec, zygote, own_imports) if run.died_before_start else None

        def ended(_: LocalProcess) -> None:
            zygote.runs -= 1

        zygote.runs += 1
        run.on_end(ended)
        zygote.replenish()
        return await self._filled(spec, run, inside, "", anew)

    async def _new(self, spec: RunSpec, reason: str) -> "PreparedRun":
        """The processes of a new interpreter."""
        launcher = await self._living_launcher()
        folder = RunFolder(self._folder / str(spec.run_id))
        try:
            folder.make()
        except OSError as error:
            raise Unavailable(f"can't make the folder of a run: {error}") from error
        capabilities = launcher.capabilities
        paths = process_spec.visible_paths(spec.python, capabilities)
        name = folder.path.name  # what is left is found by it
        prepare = process_spec.prepare(name, paths, spec.limits, folder, capabilities, forked=False)
        try:
            run = await LocalProcess.prepare(prepare, folder, launcher)
        except BaseException:
            folder.remove()
            raise
        return await self._filled(spec, run, folder, reason, None)

    async def _filled(
        self, spec: RunSpec, run: LocalProcess, inside: RunFolder, new: str, anew: "Anew | None"
    ) -> "PreparedRun":
        capabilities = self._launcher.capabilities
        uid = None if capabilities.no_uids else self._first_uid + spec.slot
        try:
            await self._fill(run.folder, spec, uid)
            run.launch(spec, process_spec.launch(spec, inside, capabilities, uid))
        except BaseException:
            await run.discard()
            raise
        run.run_id, run.new = spec.run_id, new
        self._known.add(spec.run_id)
        self._runs.add(run)
        run.on_end(self._ended)
        return PreparedRun(run, anew)

    def _ended(self, run: LocalProcess) -> None:
        self._runs.discard(run)
        self._known.discard(run.run_id)
        removal = asyncio.create_task(run.wait_removed())
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)

    async def _start_zygote(self, python: Path, script_path: str) -> ZygoteClient:
        launcher, folder = await self._living_launcher(), self._folder.with_name("templates")
        return await ZygoteClient.start(
            python, script_path, folder, launcher, launcher.capabilities, self._first_uid
        )

    async def _zygote_request(self, spec: RunSpec) -> ZygoteRequest:
        """Where runs have mounts of their own, each finds its script at the same path."""
        path = (
            "" if self._launcher.capabilities.no_namespaces else f"{mounts.HOME}/{spec.entrypoint}"
        )
        imports, variables = await self._script_imports(spec), process_spec.own_variables(spec)
        script = spec.code / spec.entrypoint
        return ZygoteRequest(spec.python, imports, spec.code, script, path, variables)

    async def _script_imports(self, spec: RunSpec) -> script_imports.ScriptImports:
        key = spec.code, spec.entrypoint
        if key not in self._imports:
            if len(self._imports) >= _MAX_REMEMBERED:
                self._imports.clear()
            script = spec.code / spec.entrypoint
            self._imports[key] = await asyncio.to_thread(script_imports.find, spec.code, script)
        return self._imports[key]

    async def _fill(self, folder: RunFolder, spec: RunSpec, uid: int | None) -> None:
        if spec.code not in self._small:
            if len(self._small) >= _MAX_REMEMBERED:
                self._small.clear()
            self._small[spec.code] = await asyncio.to_thread(is_small, spec.code)
        try:
            if self._small[spec.code]:
                folder.fill(spec, uid)
            else:
                await _in_thread(folder.fill, spec, uid)
        except OSError as error:
            raise Unavailable(f"can't fill the folder of a run: {error}") from error

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


Anew = Callable[[str], Awaitable["PreparedRun | None"]]


class PreparedRun:
    """Implements Prepared. `anew` gives another one if this one, or its zygote, is lost."""

    def __init__(self, run: LocalProcess, anew: Anew | None) -> None:
        self._run = run
        self._anew = anew

    async def start(self) -> LocalProcess:
        """See Prepared.start."""
        try:
            await self._run.start()
        except Unavailable as problem:  # no code of the user's has run
            other = await self._anew(str(problem)) if self._anew else None
            if other is None:
                raise
            return await other.start()
        return self._run

    async def discard(self) -> None:
        """See Prepared.discard."""
        await self._run.discard()


async def _in_thread(work: Callable[..., None], *arguments: object) -> None:
    """It goes on regardless of us, so we stay until it has ended."""
    working = asyncio.create_task(asyncio.to_thread(work, *arguments))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise


def _clear(runs: Path, capabilities: Capabilities) -> None:
    """The folders and empty control groups of runs whose executor was killed."""
    for left in runs.iterdir():
        group = Path(capabilities.cgroup_parent) / f"rondo-{left.name}"
        if capabilities.cgroup_parent and group.exists():
            Group(group).remove()
        RunFolder(left).remove()
