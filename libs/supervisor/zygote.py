"""The supervisor's side of the zygote: services forked from a process that has their imports.

It saves memory and time, and no more: without it services start as `python -m` does, as they do
in any case when they have to be started again.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from typing import Self

import msgspec

from libs.domain.errors import Unavailable
from libs.supervisor.terminal import Terminal
from libs.supervisor.zygote_process import MESSAGE_BYTES, Order, Report, serve

_START_TIMEOUT_SECONDS = (
    10.0  # seconds for a fork, which takes 5 ms, and the import that it may have to wait for
)


class Forked:
    """A child of ours that we did not fork, with the part of asyncio's Process that we use."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()
        self._handle = os.pidfd_open(pid)
        asyncio.get_running_loop().add_reader(self._handle, self._reap)

    async def wait(self) -> int:
        """Its exit status, or the negative number of the signal that ended it."""
        await self._ended.wait()
        assert self.returncode is not None  # noqa: S101 - for mypy: _reap sets both
        return self.returncode

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self._ended.set()


def start_zygote(
    modules: Sequence[str], environment: Mapping[str, str], terminal: Terminal
) -> "Zygote | Order":
    """Forks a zygote, which imports `modules` one after the other.

    Returns in each service that it forks too, with what that is to `become`. So it is called where
    nothing is open yet: no second thread, no event loop, no file.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if pid := os.fork():
        theirs.close()
        return Zygote(pid, ours, terminal)
    ours.close()
    return serve(theirs, modules, environment)


class Zygote:
    """Ends with its `with` at the latest."""

    def __init__(self, pid: int, channel: socket.socket, terminal: Terminal) -> None:
        channel.setblocking(False)
        self._pid = pid
        self._channel = channel
        self._terminal = terminal
        self._turn = asyncio.Lock()
        self._loaded: set[str] = set()
        self._over = False

    async def fork(self, order: Order, log: int, lock: int, *listeners: int) -> Forked:
        """When the order's module is loaded. Raises Unavailable if it can't be, now and from then
        on."""
        async with self._turn:
            try:
                while not self._over:
                    if order.module in self._loaded:
                        return self._fork(order, log, lock, *listeners)
                    loop = asyncio.get_running_loop()
                    self._heard(await loop.sock_recv(self._channel, MESSAGE_BYTES))
            except OSError as error:
                self._terminal.warn(
                    "zygote", f"{error}; services start in interpreters of their own"
                )
                self.end()
        raise Unavailable("there is no zygote")

    def end(self) -> None:
        """Services that were forked go on; no more will be."""
        if not self._over:
            self._over = True
            self._channel.close()
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _fork(self, order: Order, *descriptors: int) -> Forked:
        """Without a pause: nobody can be cancelled between a fork and the news of it."""
        self._channel.settimeout(_START_TIMEOUT_SECONDS)
        socket.send_fds(self._channel, [msgspec.json.encode(order)], list(descriptors))
        while not (pid := self._heard(self._channel.recv(MESSAGE_BYTES))):
            pass
        self._channel.setblocking(False)
        return Forked(pid)

    def _heard(self, message: bytes) -> int:
        """The pid of what was forked, or 0 for the news of a module. Raises OSError for trouble."""
        if not message:
            raise BrokenPipeError("it ended")
        report = msgspec.json.decode(message, type=Report)
        if report.error:
            raise OSError(report.error)
        self._loaded.add(report.loaded)
        return report.pid
