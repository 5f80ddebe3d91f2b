"""What a process prints into its two pipes, as the output of a run."""

import asyncio
import os
import select
from collections import deque

from services.executor.backend import Piece, Stream

_READ = 256 * 1024  # bytes at once


class PipeOutput:
    """Implements Output. Takes over the read ends of both pipes."""

    def __init__(self, stdout: int, stderr: int) -> None:
        self._open: dict[int, Stream] = {stdout: "stdout", stderr: "stderr"}
        self._ready: deque[int] = deque()  # in the order in which they became readable
        self._finished = False
        self._waiting: asyncio.Future[None] | None = None
        self._poll = select.poll()
        for pipe in self._open:
            os.set_blocking(pipe, False)
            self._poll.register(pipe, select.POLLIN)

    def __aiter__(self) -> "PipeOutput":
        return self

    async def __anext__(self) -> Piece:
        while self._open:
            if not self._ready:
                await self._readable()
            pipe = self._ready.popleft()
            if pipe not in self._open or (data := self._read(pipe)) is None:
                continue
            stream = self._open[pipe]
            if not data:
                del self._open[pipe]
                self._poll.unregister(pipe)
                os.close(pipe)
            return Piece(stream, data, None)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """See Output.aclose."""
        while self._open:
            os.close(self._open.popitem()[0])

    def finish(self) -> None:
        """What is in the pipes is all: who still holds them has left the run."""
        self._finished = True
        self._ready.extend(self._open)
        if self._waiting:
            _set(self._waiting)

    def _read(self, pipe: int) -> bytes | None:
        """What is there; empty at the end, None if there is nothing yet."""
        try:
            return os.read(pipe, _READ)
        except BlockingIOError:
            return b"" if self._finished else None

    async def _readable(self) -> None:
        """What is written meanwhile comes in that order; of what lies there, stdout first."""
        if self._finished:
            self._ready.extend(self._open)
            return
        if self._poll.poll(0):  # a program that prints on: the loop's own watch costs more
            self._ready.extend(self._open)
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        for pipe in self._open:
            loop.add_reader(pipe, self._on_readable, pipe, self._waiting)
        try:
            await self._waiting
        finally:
            for pipe in self._open:
                loop.remove_reader(pipe)
            self._waiting = None

    def _on_readable(self, pipe: int, waiting: asyncio.Future[None]) -> None:
        self._ready.append(pipe)
        _set(waiting)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
