"""The service's side of the spare: one process with all imports done, from which others are forked.

So a replica is there in the time that its models take to load, and shares all else with the others.
"""

import asyncio
import logging
import socket
import sys
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec

from libs.domain.errors import Unavailable
from libs.waiting.retry import back_off
from services.inference import plan
from services.inference.control.child import Child

logger = logging.getLogger(__name__)

START_TIMEOUT_SECONDS = 60.0  # seconds for imports, on a busy machine
_FORK_TIMEOUT_SECONDS = 10.0  # it takes milliseconds
_PASSED_ON = ("PATH", "LANG", "TZ", "PYTHONPATH")
_SETTINGS = {
    # One thread for algebra outside of the runtime, whose threads are the deployment's.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Else the runtime keeps a database in $HOME, and calls its makers by a thread of its own.
    "ORT_DISABLE_TELEMETRY": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_decode = msgspec.msgpack.Decoder(plan.Spawned).decode


class Spare:
    """Kept alive by `run`, from the first time on that somebody needs it: without models it would
    take 40 MiB and half a second of a start for nothing."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        passed = {name: environ[name] for name in _PASSED_ON if name in environ}
        self._environment = passed | _SETTINGS
        self._channel: socket.socket | None = None
        self._process: Process | None = None
        self._orders: deque[tuple[asyncio.Future[Child], socket.socket]] = deque()
        self._needed, self._ready = asyncio.Event(), asyncio.Event()
        self.pid = 0
        self.own_uids = False

    async def run(self) -> None:
        """For ever: starts it, and another one when it has ended."""
        await self._needed.wait()
        tries = 0
        while True:
            process, ours = await self._start()
            try:
                await self._greet(ours)
                tries = 0
                status = await process.wait()
                logger.warning("the spare ended with status %d; another one is started", status)
            except (OSError, TimeoutError, msgspec.DecodeError) as problem:
                logger.error("no replica can be started: %s", problem or "the spare took too long")
            finally:
                self._give_up()
                ours.close()
                if process.returncode is None:
                    process.kill()
            await back_off(tries)
            tries += 1

    async def ready(self) -> None:
        """Returns once it can fork. Raises Unavailable if that takes too long."""
        self._needed.set()
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                await self._ready.wait()
        except TimeoutError as problem:
            raise Unavailable("there is no spare to fork from") from problem

    async def check(self) -> None:
        """For readiness. Raises Unavailable while there is none."""
        if self._needed.is_set() and not self._ready.is_set():
            raise Unavailable("the spare is being started")

    async def fork(self, order: plan.Order, descriptors: Sequence[int]) -> Child:
        """A process that has these. Raises Unavailable if it can't be."""
        await self.ready()
        answer = self._order(order, descriptors)
        try:
            return await asyncio.wait_for(answer, _FORK_TIMEOUT_SECONDS)
        except TimeoutError as problem:  # it stands still: `run` starts another one
            if self._process is not None:
                with suppress(ProcessLookupError):
                    self._process.kill()
            raise Unavailable("the spare does not fork") from problem
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                _end(answer.result())
            raise
        except OSError as problem:
            raise Unavailable(f"no process can be forked: {problem}") from problem

    def _order(self, order: plan.Order, descriptors: Sequence[int]) -> asyncio.Future[Child]:
        answer = asyncio.get_running_loop().create_future()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            if self._channel is None:
                raise BrokenPipeError("the spare has ended")
            given = [theirs.fileno(), *descriptors]
            socket.send_fds(self._channel, [plan.encode(order)], given)
            self._orders.append((answer, ours))
        except OSError as problem:
            ours.close()
            answer.set_exception(problem)
        finally:
            theirs.close()
        return answer

    def _receive(self, channel: socket.socket) -> None:
        """Answers come in the order of the orders. What was forked for somebody who does not wait
        any more is ended."""
        try:
            message = channel.recv(plan.MAX_ORDER_BYTES)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:
            self._give_up()
            return
        answer, ours = self._orders.popleft()
        spawned = _decode(message)
        if spawned.error:
            ours.close()
            if not answer.done():
                answer.set_exception(OSError(spawned.error))
            return
        child = Child(spawned.pid, ours)
        if answer.done():
            _end(child)
        else:
            answer.set_result(child)

    def _give_up(self) -> None:
        """It has ended, or is about to: no more answers come."""
        self._ready.clear()
        if self._channel is not None:
            asyncio.get_running_loop().remove_reader(self._channel)
            self._channel = None
        while self._orders:
            answer, ours = self._orders.popleft()
            ours.close()
            if not answer.done():
                answer.set_exception(BrokenPipeError("the spare has ended"))

    async def _start(self) -> tuple[Process, socket.socket]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        number = theirs.fileno()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "services.inference.replica.spare", str(number)),
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=[number],
            cwd="/",
        )
        theirs.close()
        self.pid, self._process = process.pid, process
        return process, ours

    async def _greet(self, channel: socket.socket) -> None:
        async with asyncio.timeout(START_TIMEOUT_SECONDS):
            message = await asyncio.get_running_loop().sock_recv(channel, plan.MAX_ORDER_BYTES)
        if not message:
            raise BrokenPipeError("the spare ended while it started")
        answer = _decode(message)
        if answer.error:
            raise OSError(answer.error)
        for sentence in answer.about:
            logger.info("%s", sentence)
        self.own_uids = answer.own_uids
        self._channel = channel
        asyncio.get_running_loop().add_reader(channel, self._receive, channel)
        self._ready.set()


def _end(child: Child) -> None:
    child.kill("undeployed", "it is not needed any more")


def listening(path: str) -> socket.socket:
    """A socket for a replica to listen on."""
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
