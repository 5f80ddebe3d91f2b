"""The executor's side of its launcher and of zygotes: a socket to each."""

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from libs.domain.errors import Rejected, Unavailable
from libs.linux import process
from services.executor.local import stopped_process
from services.executor.local.heartbeat import INTERVAL_SECONDS, Heartbeat
from services.executor.local.process_spec import interpreter_trees
from services.executor.local.protocol import (
    MAX_MESSAGE_BYTES,
    Capabilities,
    Gone,
    Preload,
    Preloaded,
    Prepare,
    encode,
    from_launcher_decoder,
    receive,
)
from services.executor.local.shim_pool import ShimClient

_log = logging.getLogger(__name__)

_LAUNCHER_TIMEOUT_SECONDS = 10.0  # for the launcher to try its capabilities, or to end
_OUR_TREE = Path(__file__).parents[3]


class Channel:
    """To a process that starts runs. `lost` is set when it is no more."""

    def __init__(self, ours: socket.socket) -> None:
        self._socket = ours
        self._sending = asyncio.Lock()
        self._space = asyncio.Event()  # to write one more message
        self._gone: dict[str, asyncio.Event] = {}
        self.lost = asyncio.Event()
        self._answers: asyncio.Queue[Preloaded | None] = asyncio.Queue()

    def listen(self) -> None:
        """From now on."""
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    async def order(self, order: Prepare | Preload, descriptors: Sequence[int] = ()) -> None:
        """Say what to do. Raises Rejected if that is too long to say, Unavailable if lost."""
        async with self._sending:
            if self.lost.is_set():
                raise Unavailable("the launcher of runs has ended")
            message = encode(order)
            try:
                while not self._send_now(message, descriptors):
                    await self._wait_for_space()
            except (BrokenPipeError, ConnectionResetError) as error:
                raise Unavailable("the launcher of runs has ended") from error
            except OSError as error:
                raise Rejected("invalid", "variables: too large; pass data as arguments") from error

    async def prepare(self, prepare: Prepare, orders: int) -> ShimClient:
        """Have the processes of a run made, which waits on `orders`. Raises as `order`."""
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control.setblocking(False)
        control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)  # the kernel tells its pid
        self._gone[prepare.name] = asyncio.Event()
        with theirs:
            try:
                await self.order(prepare, [theirs.fileno(), orders])
            except BaseException:
                control.close()
                del self._gone[prepare.name]
                raise
        return ShimClient(prepare, control)

    def release(self, shim: ShimClient) -> None:
        """Its run has ended, and there is no other for it."""
        shim.control.close()
        self.forget(shim.name)

    async def gone(self, name: str) -> None:
        """Wait until nothing of the run can be left."""
        if known := self._gone.get(name):
            await known.wait()

    async def end_by_force(self) -> None:
        """Nothing: a launcher's shims run our code alone and do as they are told."""

    def forget(self, name: str) -> None:
        """Nobody will ask about this shim again."""
        self._gone.pop(name, None)

    async def answer(self) -> Preloaded | None:
        """A zygote's next; None if it is lost."""
        return await self._answers.get()

    def end(self) -> None:
        """Nothing more will come from there."""
        if self._socket.fileno() >= 0:
            self._forget_space()
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
        self._space.set()
        for event in self._gone.values():
            event.set()
        self._answers.put_nowait(None)
        self.lost.set()

    def _send_now(self, message: bytes, descriptors: Sequence[int]) -> bool:
        with contextlib.suppress(BlockingIOError):
            socket.send_fds(self._socket, [message], descriptors)
            return True
        return False

    async def _wait_for_space(self) -> None:
        """Raises Unavailable if the process is lost meanwhile; a stopped one reads nothing."""
        self._space.clear()
        asyncio.get_running_loop().add_writer(self._socket, self._space.set)
        try:
            await self._space.wait()
        finally:
            self._forget_space()
        if self.lost.is_set():
            raise Unavailable("the launcher of runs has ended")

    def _forget_space(self) -> None:
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_writer(self._socket)

    def _read(self) -> None:
        try:
            message = receive(self._socket)
            told = from_launcher_decoder.decode(message) if message else None
        except BlockingIOError:
            return
        except msgspec.DecodeError:  # from a zygote, which others' packages have a say in
            told = None
        match told:
            case Gone(name):
                if name in self._gone:
                    self._gone[name].set()
            case None:
                self.end()
            case preloaded:
                self._answers.put_nowait(preloaded)


class LauncherProcess(Channel):
    """A launcher that runs. `capabilities` is what it found."""

    def __init__(
        self, popen: subprocess.Popen[bytes], ours: socket.socket, heartbeat: Heartbeat
    ) -> None:
        super().__init__(ours)
        self._process = popen
        self._heartbeat = heartbeat
        self._beating = asyncio.create_task(self._beat())
        self.capabilities = Capabilities()

    @classmethod
    async def open(
        cls, runs: Path, uid: int, namespaces: bool, kept_ports: str
    ) -> "LauncherProcess":
        """Start one for the folder `runs`; runs get uids from `uid` on. Raises Unavailable."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            # In this thread, short as the wait is: the launcher dies with the thread that made it.
            heartbeat = Heartbeat()
            try:
                popen = _spawn(
                    (theirs.fileno(), heartbeat.memory), runs, uid, namespaces, kept_ports
                )
            finally:
                os.close(heartbeat.memory)
            launcher = cls(popen, ours, heartbeat)
        try:
            async with asyncio.timeout(_LAUNCHER_TIMEOUT_SECONDS):
                first = await asyncio.get_running_loop().sock_recv(ours, MAX_MESSAGE_BYTES)
            launcher.capabilities = msgspec.json.decode(first, type=Capabilities)
        except (TimeoutError, msgspec.DecodeError) as error:
            await launcher.close()
            raise Unavailable("the launcher of runs does not start; see its output") from error
        launcher.listen()
        return launcher

    @property
    def pid(self) -> int:
        """Of the process that we have started: the port broker, whose end is the launcher's."""
        return self._process.pid

    @property
    def forker_pid(self) -> int:
        """See ShimMaker.forker_pid."""
        return next(iter(process.children(self._process.pid)), self._process.pid)

    async def close(self) -> None:
        """End the launcher and all below it."""
        self.end()
        self._beating.cancel()
        stopped_process.kill_nearest(self.forker_pid)  # it would not see our end
        try:
            await asyncio.to_thread(self._process.wait, _LAUNCHER_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    async def _beat(self) -> None:
        while not (missed := self._heartbeat.beat()):  # noqa: ASYNC110 - nothing to wait for
            await asyncio.sleep(INTERVAL_SECONDS)
        _log.warning("stood still for %.1f s: all runs are ended", missed)


def _spawn(
    descriptors: tuple[int, ...], runs: Path, uid: int, namespaces: bool, kept_ports: str
) -> subprocess.Popen[bytes]:
    trees = interpreter_trees(Path(sys.executable))
    program = [sys.executable, "-E", "-s", "-m", "services.executor.local.child.launcher"]
    arguments = [*descriptors, os.getpid(), runs, uid, int(namespaces), kept_ports, *trees]
    return subprocess.Popen(  # noqa: S603 - our own program
        program + list(map(str, arguments)),
        pass_fds=descriptors,
        cwd=_OUR_TREE,
        env={"LANG": "C.UTF-8"},  # nothing of ours can leak into a run from there
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C at a terminal is for us; we end our runs ourselves
    )
