"""The service's side of the spare: one process with all imports done, from which others are forked.

So a replica is there in the time that its models take to load, and shares all else with the others.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Mapping, Sequence

import msgspec

from libs.domain.errors import Unavailable
from libs.waiting.retry import back_off
from services.inference import plan
from services.inference.control.child import Child

logger = logging.getLogger(__name__)

START_TIMEOUT_SECONDS = 60.0  # seconds for imports, on a busy machine
_FORK_TIMEOUT_SECONDS = 10.0
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
    """Kept alive by `run`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        passed = {name: environ[name] for name in _PASSED_ON if name in environ}
        self._environment = passed | _SETTINGS
        self._channel: socket.socket | None = None
        self._ready = asyncio.Event()
        self.pid = 0
        self.own_uids = False

    async def run(self) -> None:
        """For ever: starts it, and another one when it has ended."""
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
                self._ready.clear()
                self._channel = None
                ours.close()
                if process.returncode is None:
                    process.kill()
            await back_off(tries)
            tries += 1

    async def ready(self) -> None:
        """Returns once it can fork. Raises Unavailable if that takes too long."""
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                await self._ready.wait()
        except TimeoutError as problem:
            raise Unavailable("there is no spare to fork from") from problem

    async def check(self) -> None:
        """For readiness. Raises Unavailable while there is none."""
        if not self._ready.is_set():
            raise Unavailable("the spare is being started")

    async def fork(self, order: plan.Order, descriptors: Sequence[int]) -> Child:
        """A process that has these. Raises Unavailable if it can't be."""
        await self.ready()
        ours, theirs = socket.socketpair()
        try:
            pid = self._fork(order, [theirs.fileno(), *descriptors])
        except OSError as problem:
            ours.close()
            raise Unavailable(f"no process can be forked: {problem}") from problem
        finally:
            theirs.close()
        ours.setblocking(False)
        return Child(pid, ours)

    def _fork(self, order: plan.Order, descriptors: list[int]) -> int:
        """Without a pause: nobody can be cancelled between a fork and the news of it."""
        channel = self._channel
        if channel is None:
            raise BrokenPipeError("the spare has ended")
        channel.settimeout(_FORK_TIMEOUT_SECONDS)
        socket.send_fds(channel, [plan.encode(order)], descriptors)
        message = channel.recv(plan.MAX_ORDER_BYTES)
        channel.setblocking(False)
        if not message:
            raise BrokenPipeError("the spare has ended")
        answer = _decode(message)
        if answer.error:
            raise OSError(answer.error)
        return answer.pid

    async def _start(self) -> tuple[asyncio.subprocess.Process, socket.socket]:
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
        self.pid = process.pid
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
        self._ready.set()


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
