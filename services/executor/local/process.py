"""One run of the local backend: talks to its shim, watches its time and disk space."""

import asyncio
import contextlib
import logging
import math
import os
import socket
import struct
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Literal
from uuid import UUID

from libs.domain.errors import Rejected, Unavailable
from libs.domain.run_end import Verdict
from services.executor.backend import BOUNDLESS, Outcome, RunSpec
from services.executor.local import script_start
from services.executor.local.home import RunFolder
from services.executor.local.outcome import DISK_QUOTA, KILLED, TIMED_OUT, outcome
from services.executor.local.protocol import (
    START,
    Ended,
    Failed,
    Launch,
    Prepare,
    Started,
    Stop,
    decode_from_run,
    encode,
)
from services.executor.local.shared_memory import Shared
from services.executor.local.shim_pool import Launcher, ShimClient

_log = logging.getLogger(__name__)

_PATIENCE = 60.0  # seconds until the process of a run must be there
_STUBBORN = 5.0  # seconds in which a shim ends a run, once the grace is over
_LOOK_EVERY = 2.0  # seconds between looks at the disk space
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid; see unix(7)
_MESSAGE_BYTES = 1 << 16


Leave = Callable[[RunFolder], None]


class LocalProcess:
    """Implements Running. Made by `prepare`, for no run in particular; `launch` makes it one, and
    `start` lets that begin.
    """

    def __init__(
        self,
        prepare: Prepare,
        folder: RunFolder,
        launcher: Launcher,
        shim: ShimClient,
        orders: socket.socket,
        leave: Leave,
    ) -> None:
        self.pid = self.stdout = self.stderr = -1
        self.new = self.left = ""
        self.run_id: UUID | None = None
        self.folder = folder
        self.limits = prepare.limits
        self._shim = shim
        self._launcher = launcher
        self._control = shim.control
        self._orders = orders
        self._leave = leave
        self._shared = Shared(prepare.mounts is not None)
        self._grace = 0.0
        self._ends_at = math.inf  # by the loop's clock, once it is to end
        self._spec: RunSpec
        self._started = False
        self._unread: list[int] = []  # of its pipes, as long as nobody else closes them
        self._asked: Verdict | None = None
        self._failed = ""
        self._loop = asyncio.get_running_loop()
        self._begun = asyncio.Event()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._works: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Future[Ended | None] = self._loop.create_future()
        self._loop.add_reader(self._control.fileno(), self._read)
        self._end = asyncio.create_task(self._conclude())
        self._removal: asyncio.Task[None] | None = None

    @classmethod
    async def prepare(
        cls,
        prepare: Prepare,
        folder: RunFolder,
        launcher: Launcher,
        leave: Leave = RunFolder.remove,
    ) -> "LocalProcess":
        """Have its processes made. Raises as Launcher.prepare.

        From then on the folder is ours; when the run has ended, `leave` is called with it, in a
        thread. What that raises is OSError.
        """
        orders, awaited = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        orders.setblocking(False)
        with awaited:
            try:
                shim = await launcher.prepare(prepare, awaited.fileno())
            except BaseException:
                orders.close()
                raise
        return cls(prepare, folder, launcher, shim, orders, leave)

    @property
    def usable(self) -> bool:
        """Whether it may still be launched, as far as we know."""
        return not (self._failed or self._ended.done() or self._asked)

    @property
    def died_before_start(self) -> bool:
        """Whether it ended by itself before it was started: nobody's code has begun."""
        return self._ended.done() and not (self._started or self._failed or self._asked)

    def launch(self, spec: RunSpec, launch: Launch) -> None:
        """Make it this run, with its output in pipes, as far as that goes before it is started.

        Raises Rejected if it can't be.
        """
        (stdout, to_stdout), (stderr, to_stderr) = os.pipe(), os.pipe()
        self.stdout, self.stderr = self._unread = [stdout, stderr]
        for descriptor in self._unread:
            os.set_blocking(descriptor, False)
        try:
            self.become(spec, launch, [to_stdout, to_stderr])
        finally:
            _close(to_stdout, to_stderr)

    def become(self, spec: RunSpec, launch: Launch, streams: list[int]) -> None:
        """As `launch`; `streams` are its stdout and stderr, for a zygote its orders too."""
        self._grace, self._spec = spec.grace, spec
        self._shared.uid = launch.uid
        if self.usable:
            try:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its shim tells
                    socket.send_fds(self._orders, [encode(launch)], streams)
            except OSError as error:
                raise Rejected("invalid", "variables: too large; pass data as arguments") from error

    async def start(self) -> None:
        """Let its program begin; returns when it is about to.

        Raises Unavailable if it can't: then nothing of it is left.
        """
        try:
            if self.usable:
                with self._orders, contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self._orders.send(START)
                    self._started = True
            await self._begin()
            if self.died_before_start:
                raise Unavailable("what was prepared for it has ended")
        except BaseException:
            await self.discard()
            raise
        self._unread = []
        if self._spec.timeout is not None:
            count = partial(self._later, "time", self._spec.timeout, lambda: self._ask(TIMED_OUT))
            script_start.when_begun(self.pid, partial(self._later, "time"), count)
        if self._spec.limits.disk_bytes < BOUNDLESS:
            self._look_later(self._spec.limits.disk_bytes)

    def on_end(self, tell: Callable[["LocalProcess"], object]) -> None:
        """Call `tell` once the run has ended."""
        self._end.add_done_callback(lambda _: tell(self))

    async def wait(self) -> Outcome:
        """See Running.wait."""
        return await asyncio.shield(self._end)

    async def stop(
        self, status: Literal["killed", "timed_out"], within: float | None = None
    ) -> None:
        """See Running.stop."""
        self._ask(KILLED if status == "killed" else TIMED_OUT, within)
        await self.wait()

    async def discard(self) -> None:
        """End it; returns when nothing of it is left, no files either."""
        await self.stop("killed", within=0)
        await self.wait_removed()
        unread, self._unread = self._unread, []
        _close(*unread)

    async def wait_removed(self) -> None:
        """Wait until a run that has ended has left its folder."""
        if self._removal:
            await asyncio.wait([self._removal])

    async def _begin(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._begun.wait()
        except TimeoutError as error:
            raise Unavailable(f"its process did not begin within {_PATIENCE:g} s") from error

    def _ask(self, verdict: Verdict, within: float | None = None) -> None:
        """Tell the shim to end it; the first reason stays, and the earliest end."""
        grace = self._grace if within is None else min(within, self._grace)
        if not self._begun.is_set():
            grace = 0.0  # nobody's code has begun
        at = self._loop.time() + grace
        if self._ended.done() or at >= self._ends_at:
            return
        self._asked, self._ends_at = self._asked or verdict, at
        # A zygote's shims have others' packages in them: one may not do as it is told (I7).
        self._later("insist", grace + _STUBBORN, lambda: self._do(self._insist()))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it is ending
            self._control.send(encode(Stop(grace)))

    def _later(self, what: str, seconds: float, call: Callable[[], object]) -> None:
        if not self._ended.done():
            if before := self._timers.get(what):
                before.cancel()
            self._timers[what] = self._loop.call_later(seconds, call)

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)

    def _read(self) -> None:
        space = socket.CMSG_SPACE(_CREDENTIALS.size)
        try:
            message, ancillary, _, _ = self._control.recvmsg(_MESSAGE_BYTES, space)
        except BlockingIOError:
            return
        except ConnectionResetError:
            message, ancillary = b"", []
        match decode_from_run(message):
            case Started(new):
                self.new = self.new or new
                self.pid = _CREDENTIALS.unpack(ancillary[0][2])[0]
            case Failed(detail):
                self._failed = detail
            case ended if not self._ended.done():
                self._no_more(ended)
        self._begun.set()

    def _no_more(self, ended: Ended | None) -> None:
        self._loop.remove_reader(self._control.fileno())
        self._orders.close()
        if ended is None:
            self._control.close()
        else:
            self._launcher.free(self._shim)
        self._ended.set_result(ended)

    async def _conclude(self) -> Outcome:
        ended = await self._ended
        for timer in self._timers.values():
            timer.cancel()
        if ended is None:  # somebody killed the shim; who made it knows when nothing is left
            await self._launcher.gone(self._shim.name)
            self._launcher.forget(self._shim.name)
        await asyncio.gather(*self._works, return_exceptions=True)
        await self._shared.clear()  # before another run has the uid
        # Nobody waits for that: the file system itself waits for its journal now and then.
        self._removal = asyncio.create_task(self._remove())
        return outcome(ended, self._failed, self._asked)

    async def _remove(self) -> None:
        try:
            await asyncio.to_thread(self._leave, self.folder)
        except OSError as error:
            _log.warning(
                "%s: a run's folder stays until the next start: %s", self.folder.path, error
            )

    async def _insist(self) -> None:
        await self._launcher.insist()

    def _look_later(self, most: int) -> None:
        self._later("disk", _LOOK_EVERY, lambda: self._do(self._look(most)))

    async def _look(self, most: int) -> None:
        size = await asyncio.to_thread(self.folder.size) + self._shared.size(self.pid)
        if size > most:
            self._ask(DISK_QUOTA, within=0)  # it would go on writing
        else:
            self._look_later(most)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
