"""One zygote of the local backend, as the executor sees it: a run of ours that starts runs."""

import asyncio
import contextlib
import logging
import os
import socket
from pathlib import Path
from uuid import uuid4

from libs.domain.errors import Unavailable
from services.executor.backend import BOUNDLESS, Limits
from services.executor.local import process_spec, stopped_process
from services.executor.local.child import zygote_privileges
from services.executor.local.control import Channel, LauncherProcess
from services.executor.local.home import RunFolder
from services.executor.local.process import LocalProcess
from services.executor.local.protocol import Capabilities, Preload, Preloaded, Prepare
from services.executor.local.shim_pool import ShimClient, ShimPool
from services.executor.resolved_spec import ResolvedSpec

_log = logging.getLogger(__name__)

_PRELOAD_TIMEOUT_SECONDS = 180.0  # for all that is to be imported
_LAST_WORDS = 2.0
_SPARES = 2  # runs whose processes are made before anybody asks for them
_FOLDERS = 64  # that are kept for other runs
_MOMENT = 0.03  # seconds in which a run is over the worst

_LIMITS = Limits(BOUNDLESS, BOUNDLESS, BOUNDLESS, processes=1 << 16, open_files=1 << 16)


class FolderPool:
    """Where the folders of a zygote's runs lie: in `folder`, which it sees as `inside`."""

    def __init__(self, folder: RunFolder, inside: str, uid: int | None) -> None:
        self._folder = folder.temporary
        self._inside = inside
        self._uid = uid
        self._free: list[RunFolder] = []

    def new(self) -> RunFolder:
        """One that no run has, empty or with files to be written over. Raises OSError."""
        if self._free:
            return self._free.pop()
        folder = RunFolder(self._folder / uuid4().hex[:16])
        folder.make(self._uid)
        return folder

    def leave(self, folder: RunFolder) -> None:
        """Its run has ended: another may have it, if it can be cleared. Raises OSError.

        May take long.
        """
        if len(self._free) < _FOLDERS and folder.clear(self._uid):
            self._free.append(folder)
        else:
            folder.remove()

    def within(self, folder: RunFolder) -> RunFolder:
        """It as the zygote sees it."""
        return RunFolder(Path(self._inside, folder.path.name))


class ZygoteClient:
    """A warm interpreter of one environment: a place for runs to be started. Made by `start`."""

    def __init__(
        self,
        process: LocalProcess,
        channel: Channel,
        folders: FolderPool,
        python: Path,
        machine: Capabilities,
    ) -> None:
        self._process = process
        self._channel = channel
        self._folders = folders
        self._paths = process_spec.visible_paths(python, machine)
        self._machine = machine
        self._spares: list[LocalProcess] = []
        self._shims = ShimPool()
        self._replenishing: asyncio.Task[None] | None = None
        self._closed = False
        self.runs = 0
        self.preloaded = Preloaded()
        channel.listen()

    @classmethod
    async def start(
        cls,
        python: Path,
        script_path: str,
        runs: Path,
        launcher: LauncherProcess,
        machine: Capabilities,
        first_uid: int,
    ) -> "ZygoteClient":
        """For runs that find their script at `script_path`; each elsewhere if that is empty.

        Raises Unavailable, with the reason, if it can't be.
        """
        run_id = uuid4()
        # Short names: where runs share the machine's file system, sockets have to fit behind them.
        folder = RunFolder(runs / run_id.hex[:8])
        uid = None if machine.no_uids else zygote_privileges.zygote_uid(first_uid)
        folder.prepare(uid)
        spec = ResolvedSpec(
            run_id=run_id,
            task_id=run_id,
            slot=0,
            environment="",
            code="",
            entrypoint=script_path,
            limits=_LIMITS,
            python=python,
            tree=folder.path,
        )
        prepare, launch = process_spec.zygote(spec, folder, machine, first_uid)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            process = await LocalProcess.prepare(prepare, folder, launcher)
            process.become(spec, launch, [null, null, theirs.fileno()])
            await process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(null)
        folders = FolderPool(folder, launch.environment["TMPDIR"], uid)
        zygote = cls(process, Channel(ours), folders, python, machine)
        await zygote._answer()
        return zygote

    @property
    def lost(self) -> bool:
        """Whether it has ended, or was given up."""
        return self._channel.lost.is_set()

    @property
    def pid(self) -> int:
        """Of the interpreter."""
        return self._process.pid

    @property
    def forker_pid(self) -> int:
        """See ShimMaker.forker_pid."""
        return self._process.pid

    def memory(self) -> int:
        """Bytes resident now."""
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    async def preload(self, order: Preload) -> dict[str, str]:
        """Returns the imports that it has refused, with their reasons. Raises Unavailable."""
        await self._clear()  # what was forked would lack what is loaded
        await self._channel.order(order)
        return (await self._answer()).refused

    async def take(self, limits: Limits) -> tuple[LocalProcess, RunFolder]:
        """A prepared run and its folder as it sees it. Raises as LocalProcess.prepare."""
        while self._spares:
            spare = self._spares.pop(0)
            if spare.state.can_start and spare.limits == limits:
                return spare, self._folders.within(spare.folder)
            await spare.discard()
        return await self._made(limits)

    def replenish(self) -> None:
        """Have a few runs ready, but in a moment: now it would be in the way of the one begun."""
        if self._replenishing is None or self._replenishing.done():
            self._replenishing = asyncio.create_task(self._replenish())

    async def prepare(self, prepare: Prepare, orders: int) -> ShimClient:
        """See Channel.prepare. By a shim that waits, if one does."""
        while not prepare.group and (shim := self._shims.pop()):
            if shim.take(prepare, orders):
                return shim
            self._give_up(shim)
        shim = await self._channel.prepare(prepare, orders)
        self._shims.made(shim)
        return shim

    def release(self, shim: ShimClient) -> None:
        """It waits for another run, unless there are enough that do."""
        if self._closed or not self._shims.put(shim):
            self._give_up(shim)

    async def gone(self, name: str) -> None:
        """See Channel.gone. If the zygote is lost, nothing of it lives once its shim ended."""
        await self._channel.gone(name)
        if self.lost:
            await self.close()

    async def end_by_force(self) -> None:
        """End the zygote and all its runs, by the shim of its own."""
        if not self._closed:
            await self.close()

    def _give_up(self, shim: ShimClient) -> None:
        self._shims.lost(shim)
        self._channel.release(shim)

    def forget(self, name: str) -> None:
        """See Channel.forget."""
        self._channel.forget(name)

    async def close(self) -> None:
        """End it and all its runs."""
        self._closed = True
        self._channel.end()
        await self._process.discard()
        await self._clear()

    async def _made(self, limits: Limits) -> tuple[LocalProcess, RunFolder]:
        folder = self._folders.new()
        seen = self._folders.within(folder)
        try:
            name = uuid4().hex  # not the folder's name, which others had before
            message = process_spec.prepare(
                name, self._paths, limits, seen, self._machine, forked=True
            )
            return await LocalProcess.prepare(message, folder, self, self._folders.leave), seen
        except BaseException:
            folder.remove()
            raise

    async def _replenish(self) -> None:
        await asyncio.sleep(_MOMENT)
        try:
            while len(self._spares) < _SPARES and not (self._closed or self.lost):
                spare, _ = await self._made(Limits())
                self._spares.append(spare)
        except (Unavailable, OSError) as error:
            _log.info("no runs are prepared: %s", error)

    async def _clear(self) -> None:
        if self._replenishing:
            await asyncio.wait([self._replenishing])
        spares, self._spares = self._spares, []
        await asyncio.gather(*(spare.discard() for spare in spares))
        for shim in self._shims.renew():
            self._channel.release(shim)

    async def _next_answer(self) -> Preloaded | None:
        """As Channel.answer; a zygote that somebody has stopped is killed."""
        answer = asyncio.ensure_future(self._channel.answer())
        try:
            timeout = stopped_process.SILENCE_TIMEOUT_SECONDS
            while not (await asyncio.wait([answer], timeout=timeout))[0]:
                stopped_process.kill_nearest(self.pid)
            return answer.result()
        finally:
            answer.cancel()

    async def _answer(self) -> Preloaded:
        """What it says when it has done its work; one that does not is ended."""
        try:
            async with asyncio.timeout(_PRELOAD_TIMEOUT_SECONDS):
                answer = await self._next_answer()
        except BaseException:
            await self.close()
            raise
        if answer is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS):  # how it ended by itself, if it does
                    await self._process.wait()
            await self.close()
            outcome = await self._process.wait()
            raise Unavailable(f"its template has ended: {outcome.detail}")
        self.preloaded = answer
        return answer
