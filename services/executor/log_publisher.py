"""A run's output: read from its pipes, stamped, cut, and acknowledged by the log stream.

A full stream, a disk that is nearly full or a server that is away makes us wait, and through the
pipe the program that prints; nothing is dropped.
"""

import asyncio
import logging
import os
import select
import time
from collections.abc import Callable
from uuid import UUID

from libs.domain.errors import Unavailable
from libs.eventlog.nats_client import ApiError, Nats
from libs.runlog import message
from libs.runlog.chunks import CUT_AGE, Chunk, Cutter, Stream
from libs.runlog.redraws import MOST
from libs.service.room import Room
from libs.waiting.retry import back_off

logger = logging.getLogger(__name__)

_READ = 256 * 1024
_LAST_WORDS = 4096  # bytes: a traceback
_EARLY = 0.005  # seconds that a line waits for more after a pause
# Seconds between chunks that are not full: a line is followed at once as long as the stream has
# room for it, and a stream that answers late gets fewer and larger ones.
_SOONEST, _LATE = 0.02, CUT_AGE / 1e9
_LOOK_EVERY = 0.5  # seconds between looks at a disk that was nearly full
_SHARE = 25  # of the time that it takes to have one acknowledged


class Output:
    def __init__(
        self,
        nats: Nats,
        workspace: int,
        task: UUID,
        run: UUID,
        room: Room,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._nats = nats
        self._clock = clock
        self._subject = message.subject(workspace, run)
        self._task = task
        self._room = room
        self._cutter = Cutter()
        self._one_at_a_time = asyncio.Lock()
        self._later: asyncio.Task[None] | None = None
        self._showing: asyncio.TimerHandle | None = None
        self._cut_at, self._pause = -_LATE, _SOONEST
        self.last_words = b""  # of stderr
        self.first_at: float | None = None  # when the program first said something, monotonic

    async def pump(self, stdout: int, stderr: int) -> None:
        """Until both pipes end; closes them."""
        async with asyncio.TaskGroup() as readers:
            readers.create_task(self._read("stdout", stdout))
            readers.create_task(self._read("stderr", stderr))

    def say(self, text: str) -> None:
        """A line of ours among the program's, on stderr."""
        self._cutter.close("stderr", self._clock())  # it begins a line of its own
        self._cutter.feed("stderr", text.encode() + b"\n", self._clock())

    async def close(self) -> int:
        """Returns when every line is acknowledged (I5); gives their number."""
        async with self._one_at_a_time:
            if self._showing is not None:
                self._showing.cancel()
            if self._later is not None:
                self._later.cancel()  # it sleeps or waits for its turn: no chunk is in its hands
            for chunk in self._cutter.take_all():
                await self._publish(chunk)
        return self._cutter.next_line

    async def _read(self, stream: Stream, pipe: int) -> None:
        try:
            while data := await self._some(pipe):
                self.first_at = self.first_at or time.monotonic()
                if stream == "stderr":
                    self.last_words = (self.last_words + data)[-_LAST_WORDS:]
                self._cutter.feed(stream, data, self._clock())
                await self._take()
                self._take_later()
                self._show_later()
        finally:
            os.close(pipe)
        self._cutter.close(stream, self._clock())

    async def _some(self, pipe: int) -> bytes:
        """What is in the pipe, at least a byte; empty when it has ended."""
        while True:
            if self._room.short():
                await self._hold(pipe)
            try:
                return os.read(pipe, _READ)
            except BlockingIOError:
                await _readable(pipe)

    async def _hold(self, pipe: int) -> None:
        """While the disk is nearly full a program that prints has to wait, and is told. One that
        has ended has left little in its pipe, and its run is to end."""
        began = time.monotonic()
        while self._room.short() and _has_more_to_come(pipe):
            if time.monotonic() - began < _LOOK_EVERY:
                logger.warning("output waits: the disk is nearly full")
            await asyncio.sleep(_LOOK_EVERY)
        if (waited := time.monotonic() - began) > _LOOK_EVERY:
            self.say(f"RONDO: output waited {waited:.0f} s: the platform's disk was nearly full")

    async def _take(self) -> None:
        async with self._one_at_a_time:
            while chunk := self._cutter.take(self._clock()):
                await self._publish(chunk)

    def _take_later(self) -> None:
        """What is too little for a chunk now is one in a moment, if there was none for long."""
        if self._later is None or self._later.done():
            self._later = asyncio.create_task(self._take_all())

    def _show_later(self) -> None:
        """What has no line end waits for one, but not for ever: a prompt, or a bar."""
        if self._showing is None and (due := self._cutter.due()) is not None:
            seconds = min(max(due - self._clock(), 0), MOST) / 1e9
            self._showing = asyncio.get_running_loop().call_later(seconds, self._show)

    def _show(self) -> None:
        self._showing = None
        self._cutter.show(self._clock())
        self._take_later()
        self._show_later()

    async def _take_all(self) -> None:
        while not self._cutter.empty:
            rested = time.monotonic() - self._cut_at
            await asyncio.sleep(max(_EARLY, self._pause - rested))
            async with self._one_at_a_time:
                begun = time.monotonic()
                for chunk in self._cutter.take_all():
                    await self._publish(chunk)
            self._cut_at = time.monotonic()
            self._pause = min(max(_SOONEST, _SHARE * (self._cut_at - begun)), _LATE)

    async def _publish(self, chunk: Chunk) -> None:
        headers, body = message.pack(chunk, self._task)
        headers["Nats-Msg-Id"] = f"{self._subject}.{chunk.first_line}"
        tries = 0
        while True:
            try:
                await self._nats.append(self._subject, body, headers)
            except (Unavailable, ApiError) as problem:
                if tries == 0:
                    logger.warning("output waits: %s", problem)
            else:
                return
            await back_off(tries)
            tries += 1


def _has_more_to_come(pipe: int) -> bool:
    """Whether there is something in it, and somebody who may write more."""
    poller = select.poll()
    poller.register(pipe, select.POLLIN)
    return [event for _, event in poller.poll(0)] == [select.POLLIN]


async def _readable(pipe: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(pipe, _set, ready)
    try:
        await ready
    finally:
        loop.remove_reader(pipe)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
