"""One process of the local backend, a run or a zygote: talks to its shim, and watches its time and
its disk space. How it is ended is in ending.py.
"""

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Callable
from typing import Literal
from uuid import UUID

from libs.domain.errors import Rejected, Unavailable
from libs.linux import proc
from services.executor.backend import Outcome, RunSpec
from services.executor.local.ending import Ending
from services.executor.local.home import RunFolder
from services.executor.local.limit_watch import LimitWatch
from services.executor.local.outcome import (
    KILLED,
    TIMED_OUT,
    outcome,
)
from services.executor.local.process_state import Message, OutOfTurn, ProcessState
from services.executor.local.protocol import (
    START,
    Ended,
    Failed,
    FromRun,
    Launch,
    Prepare,
    Started,
    decode_from_run,
    encode,
)
from services.executor.local.shared_memory import Shared
from services.executor.local.shim_pool import ShimClient, ShimMaker
from services.executor.local.timers import Timers

_log = logging.getLogger(__name__)

START_TIMEOUT_SECONDS = 60.0  # until its program is about to begin
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid; see unix(7)
_MAX_MESSAGE_BYTES = 1 << 16

LeaveFolder = Callable[[RunFolder], None]


class LocalProcess:
    """Implements Running. Made by `prepare`, for no run in particular; `launch` makes it one, and
    `start` lets that begin. See process_state.py for its life.
    """

    def __init__(
        self,
        prepare: Prepare,
        folder: RunFolder,
        maker: ShimMaker,
        shim: ShimClient,
        launch_socket: socket.socket,
        leave: LeaveFolder,
    ) -> None:
        self.pid = self.stdout = self.stderr = -1
        self.new = ""
        self.run_id: UUID | None = None
        self.folder = folder
        self.limits = prepare.limits
        self.state = ProcessState()
        self._shim = shim
        self._maker = maker
        self._launch_socket = launch_socket
        self._leave = leave
        self._shared = Shared(prepare.mounts is not None)
        self._spec: RunSpec
        self._pipes: list[int] = []  # those of its output, as long as nobody else closes them
        self._loop = asyncio.get_running_loop()
        self._timers = Timers()
        self._ending = Ending(self.state, shim, maker, self._timers)
        self._answered = asyncio.Event()  # it has begun, or never will
        self._ended: asyncio.Future[Ended | None] = self._loop.create_future()
        self._loop.add_reader(shim.control.fileno(), self._read)
        self._conclusion = asyncio.create_task(self._conclude())
        self._removal: asyncio.Task[None] | None = None

    @classmethod
    async def prepare(
        cls,
        prepare: Prepare,
        folder: RunFolder,
        maker: ShimMaker,
        leave: LeaveFolder = RunFolder.remove,
    ) -> "LocalProcess":
        """Have its processes made. Raises as ShimMaker.prepare.

        From then on the folder is ours; when the run has ended, `leave` is called with it, in a
        thread. What that raises is OSError.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            try:
                shim = await maker.prepare(prepare, theirs.fileno())
            except BaseException:
                ours.close()
                raise
        return cls(prepare, folder, maker, shim, ours, leave)

    def launch(self, spec: RunSpec, launch: Launch) -> None:
        """Make it this run, with its output in pipes, as far as that goes before it is started.

        Raises Rejected if it can't be.
        """
        (stdout, to_stdout), (stderr, to_stderr) = os.pipe(), os.pipe()
        self.stdout, self.stderr = self._pipes = [stdout, stderr]
        for descriptor in self._pipes:
            os.set_blocking(descriptor, False)
        try:
            self.become(spec, launch, [to_stdout, to_stderr])
        finally:
            _close(to_stdout, to_stderr)

    def become(self, spec: RunSpec, launch: Launch, descriptors: list[int]) -> None:
        """As `launch`, with `descriptors` for its stdout, its stderr and a zygote's control."""
        self._ending.grace, self._spec = spec.grace, spec
        self._shared.uid = launch.uid
        if self.state.can_start:
            try:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its shim tells
                    socket.send_fds(self._launch_socket, [encode(launch)], descriptors)
            except OSError as error:
                raise Rejected("invalid", "variables: too large; pass data as arguments") from error
        self.state.take(Message.LAUNCH)

    async def start(self) -> None:
        """Let its program begin; returns when it is about to.

        Raises Unavailable if it can't: then nothing of it is left.
        """
        try:
            self._send_start()
            await self._wait_for_answer()
            if self.state.died_before_start:
                raise Unavailable("what was prepared for it has ended")
        except BaseException:
            await self.discard()
            raise
        self._pipes = []
        self._watch_main_process()
        limits = LimitWatch(self._timers, self._ending.stop, self._size)
        limits.start(self.pid, self._spec)

    def on_end(self, call: Callable[["LocalProcess"], object]) -> None:
        """Make the call once the run has ended."""
        self._conclusion.add_done_callback(lambda _: call(self))

    async def wait(self) -> Outcome:
        """See Running.wait."""
        return await asyncio.shield(self._conclusion)

    async def stop(
        self, status: Literal["killed", "timed_out"], within: float | None = None
    ) -> None:
        """See Running.stop."""
        self._ending.stop(KILLED if status == "killed" else TIMED_OUT, within)
        await self.wait()

    async def discard(self) -> None:
        """End it; returns when nothing of it is left, no files either."""
        await self.stop("killed", within=0)
        await self.wait_removed()
        pipes, self._pipes = self._pipes, []
        _close(*pipes)

    async def wait_removed(self) -> None:
        """Wait until a run that has ended has left its folder."""
        if self._removal:
            await asyncio.wait([self._removal])

    def _send_start(self) -> None:
        if self.state.can_start:
            with self._launch_socket, contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._launch_socket.send(START)
                self.state.take(Message.START)

    async def _wait_for_answer(self) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                await self._answered.wait()
        except TimeoutError as error:
            problem = f"its process did not begin within {START_TIMEOUT_SECONDS:g} s"
            raise Unavailable(problem) from error

    def _watch_main_process(self) -> None:
        """Its end is the shim's to tell, which can't as long as somebody has stopped it."""
        with contextlib.suppress(OSError):  # it has ended already, or there are too many files
            pidfd = os.pidfd_open(self.pid)
            self._loop.add_reader(pidfd, self._main_process_ended, pidfd)
            self.on_end(lambda _: self._unwatch(pidfd))

    def _main_process_ended(self, pidfd: int) -> None:
        self._loop.remove_reader(pidfd)
        self._ending.main_process_ended(self.run_id)

    def _unwatch(self, pidfd: int) -> None:
        self._loop.remove_reader(pidfd)
        os.close(pidfd)

    def _size(self) -> int:
        return self.folder.size() + self._shared.size(self.pid)

    def _read(self) -> None:
        space = socket.CMSG_SPACE(_CREDENTIALS.size)
        try:
            data, ancillary, _, _ = self._shim.control.recvmsg(_MAX_MESSAGE_BYTES, space)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data, ancillary = b"", []
        try:
            self._take(decode_from_run(data), ancillary)
        except OutOfTurn as error:  # as nonsense: from others' packages in a zygote
            _log.warning("run %s: %s", self.run_id, error)
            self._take(None, [])
        self._answered.set()

    def _take(self, message: FromRun | None, ancillary: list[tuple[int, int, bytes]]) -> None:
        match message:
            case Started(exec_reason):
                self.state.take(Message.BEGIN)
                self.new = self.new or exec_reason
                self.pid = _CREDENTIALS.unpack(ancillary[0][2])[0]
                self._shim.pid = self._shim.pid or proc.parent(self.pid)
            case Failed(detail):
                self.state.fail(detail)
            case ended:
                self.state.take(Message.END)
                self._on_last_message(ended)

    def _on_last_message(self, ended: Ended | None) -> None:
        self._loop.remove_reader(self._shim.control.fileno())
        self._launch_socket.close()
        if ended is None:
            self._shim.control.close()
        else:
            self._maker.release(self._shim)
        self._ended.set_result(ended)

    async def _conclude(self) -> Outcome:
        ended = await self._ended
        self._timers.stop()
        if ended is None:  # somebody killed the shim; who made it knows when nothing is left
            await self._ending.wait_until_gone()
        await self._timers.join()
        await self._shared.clear()  # before another run has the uid
        # Nobody waits for that: the file system itself waits for its journal now and then.
        self._removal = asyncio.create_task(self._remove())
        return outcome(ended, self.state.failure, self.state.stop_reason)

    async def _remove(self) -> None:
        try:
            await asyncio.to_thread(self._leave, self.folder)
            self.state.take(Message.REMOVE)
        except OSError as error:
            _log.warning(
                "%s: a run's folder stays until the next start: %s", self.folder.path, error
            )


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
