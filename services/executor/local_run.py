"""One run of the local backend: talks to its keeper, watches its time and disk space."""

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from libs.domain.errors import Unavailable
from services.executor.backend import BOUNDLESS, Outcome, RunSpec
from services.executor.folder import RunFolder
from services.executor.messages import (
    Ended,
    Failed,
    FromRun,
    Launch,
    Started,
    Stop,
    encode,
    from_run_decoder,
)
from services.executor.outcome import DISK_QUOTA, KILLED, TIMED_OUT, Verdict, outcome

_log = logging.getLogger(__name__)

_PATIENCE = 60.0  # seconds until the process of a run must be there
_STUBBORN = 5.0  # seconds in which a keeper ends a run, once the grace is over
_LOOK_EVERY = 2.0  # seconds between looks at the disk space
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid; see unix(7)
_MESSAGE_BYTES = 1 << 16


class Launcher(Protocol):
    """Who makes keepers: the launcher, or a template."""

    async def send(self, launch: Launch, descriptors: list[int]) -> None:
        """Have a run started. Raises Rejected if it is too long to say, Unavailable if lost."""

    async def gone(self, run_id: str) -> None:
        """Wait until nothing of the run can be left."""

    async def insist(self) -> None:
        """A run that was told to end did not: do what there is beyond that."""

    def forget(self, run_id: str) -> None:
        """Nobody will ask about this run again."""


class LocalRun:
    """Implements Running. Made by `start`."""

    def __init__(
        self, spec: RunSpec, folder: RunFolder, launcher: Launcher, control: socket.socket
    ) -> None:
        self.pid = self.stdout = self.stderr = -1
        self.new = ""
        self.run_id = spec.run_id
        self._spec = spec
        self._folder = folder
        self._launcher = launcher
        self._control = control
        self._asked: Verdict | None = None
        self._failed = ""
        self._begun = asyncio.Event()
        self._stopping = asyncio.Event()
        self._ended: asyncio.Future[Ended | None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(control, self._read)
        self._end = asyncio.create_task(self._conclude())

    @classmethod
    async def piped(
        cls, spec: RunSpec, folder: RunFolder, launch: Launch, launcher: Launcher
    ) -> "LocalRun":
        """Have it launched with its output in pipes; as `start`."""
        (stdout, to_stdout), (stderr, to_stderr) = os.pipe(), os.pipe()
        try:
            run = await cls.start(spec, folder, launch, launcher, [to_stdout, to_stderr])
        except BaseException:
            _close(stdout, stderr)
            raise
        finally:
            _close(to_stdout, to_stderr)
        run.stdout, run.stderr = stdout, stderr
        for descriptor in (stdout, stderr):
            os.set_blocking(descriptor, False)
        return run

    @classmethod
    async def start(
        cls,
        spec: RunSpec,
        folder: RunFolder,
        launch: Launch,
        launcher: Launcher,
        streams: list[int],
        orders: socket.socket | None = None,
    ) -> "LocalRun":
        """Have it launched; returns when its program is about to begin, or could not.

        `streams` are its stdout and stderr, `orders` is for a template.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)  # the kernel tells us its pid
        more = [orders.fileno()] if orders else []
        with theirs:
            try:
                await launcher.send(launch, [*streams, theirs.fileno(), *more])
            except BaseException:
                ours.close()
                raise
        run = cls(spec, folder, launcher, ours)
        await run._begin()
        return run

    def when_done(self, tell: Callable[["LocalRun"], object]) -> None:
        """Call `tell` once the run has ended."""
        self._end.add_done_callback(lambda _: tell(self))

    async def wait(self) -> Outcome:
        """See Running.wait."""
        return await asyncio.shield(self._end)

    async def stop(self, status: Literal["killed", "timed_out"]) -> None:
        """See Running.stop."""
        self._ask(KILLED if status == "killed" else TIMED_OUT)
        await self.wait()

    async def _begin(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._begun.wait()
        except TimeoutError as error:
            await self.stop("killed")
            raise Unavailable(f"its process did not begin within {_PATIENCE:g} s") from error
        except asyncio.CancelledError:
            await self.stop("killed")
            raise

    def _ask(self, verdict: Verdict) -> None:
        """Tell the keeper to end it; the first reason stays."""
        if self._asked is None and not self._ended.done():
            self._asked = verdict
            self._stopping.set()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it is ending
                self._control.send(encode(Stop(self._spec.grace)))

    def _read(self) -> None:
        space = socket.CMSG_SPACE(_CREDENTIALS.size)
        try:
            message, ancillary, _, _ = self._control.recvmsg(_MESSAGE_BYTES, space)
        except BlockingIOError:
            return
        except ConnectionResetError:
            message, ancillary = b"", []
        match _decoded(message):
            case Started(new):
                self.new = self.new or new
                self.pid = _CREDENTIALS.unpack(ancillary[0][2])[0]
            case Failed(detail):
                self._failed = detail
            case ended if not self._ended.done():
                self._no_more(ended)
        self._begun.set()

    def _no_more(self, ended: Ended | None) -> None:
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        self._ended.set_result(ended)

    async def _conclude(self) -> Outcome:
        watches = (self._limit_time(), self._limit_disk(), self._insist())
        guards = [asyncio.create_task(each) for each in watches]
        ended = await self._ended
        for guard in guards:
            guard.cancel()
        run_id = str(self._spec.run_id)
        if ended is None:  # somebody killed the keeper; who made it knows when nothing is left
            await self._launcher.gone(run_id)
        self._launcher.forget(run_id)
        await asyncio.gather(*guards, return_exceptions=True)
        try:
            await asyncio.to_thread(self._folder.remove)
        except OSError as error:
            _log.warning("run %s: its folder stays until the next start: %s", run_id, error)
        return outcome(ended, self._failed, self._asked)

    async def _limit_time(self) -> None:
        if self._spec.timeout is not None:
            await self._begun.wait()
            await asyncio.sleep(self._spec.timeout)
            self._ask(TIMED_OUT)

    async def _insist(self) -> None:
        """A template's keepers have others' packages in them: one may not do as it is told (I7)."""
        await self._stopping.wait()
        await asyncio.sleep(self._spec.grace + _STUBBORN)
        await self._launcher.insist()

    async def _limit_disk(self) -> None:
        while self._spec.limits.disk_bytes < BOUNDLESS:
            await asyncio.sleep(_LOOK_EVERY)
            if await asyncio.to_thread(self._folder.size) > self._spec.limits.disk_bytes:
                self._ask(DISK_QUOTA)


def _decoded(message: bytes) -> FromRun | None:
    """What it says; None for the end, as which nonsense counts: it may come from others' code."""
    try:
        return from_run_decoder.decode(message) if message else None
    except msgspec.DecodeError:
        return None


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
