"""A run's output on its way to the log stream: stamped, cut into chunks, and acknowledged.

A full stream, a disk that is nearly full or a server that is away makes us wait, and with us the
program that prints; nothing is dropped.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import get_args
from uuid import UUID

from libs.domain.errors import Unavailable
from libs.eventlog import streams
from libs.eventlog.nats_client import ApiError, Nats
from libs.runlog import message
from libs.runlog.chunks import CUT_AGE, Chunk, Cutter
from libs.runlog.redraws import MOST
from libs.service.disk_reserve import DiskReserve
from libs.waiting.retry import back_off, retry
from services.executor.backend import Output, Piece, Stream

logger = logging.getLogger(__name__)

_LAST_WORDS = 4096  # bytes: a traceback
_EARLY = 0.005  # seconds that a line waits for more after a pause
# Seconds between chunks that are not full: a line is followed at once as long as the stream has
# room for it, and a stream that answers late gets fewer and larger ones.
_SOONEST, _LATE = 0.02, CUT_AGE / 1e9
# Turns of the event loop after which a pipe that had something has been read: one to notice, one to
# wake who reads, one for the order of both.
_TURNS_TO_READ = 3
_LOOK_EVERY = 0.5  # seconds between looks at a disk that was nearly full
_SHARE = 25  # of the time that it takes to have one acknowledged


class LogPublisher:
    """Of one run. `clock` gives nanoseconds since 1970."""

    def __init__(
        self,
        nats: Nats,
        workspace: int,
        task: UUID,
        run: UUID,
        reserve: DiskReserve,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._nats = nats
        self._clock = clock
        self._subject = message.subject(workspace, run)
        self._task = task
        self._reserve = reserve
        self._cutter = Cutter()
        self._unacknowledged: Chunk | None = None
        self._one_at_a_time = asyncio.Lock()
        self._later: asyncio.Task[None] | None = None
        self._showing: asyncio.Task[None] | None = None
        self._reading = True  # waits for more of the output, and is not busy with what it has
        self._cut_at, self._pause = -_LATE, _SOONEST
        self.last_words = b""  # of stderr
        self.first_at: float | None = None  # when the program first said something, monotonic

    async def resume(self) -> None:
        """Count on from the lines that an earlier publisher has left in the stream.

        A backend that comes to adopt runs needs more: what the stream has forgotten, since the
        logs service has it, would be counted from 0.
        """
        last = await retry(lambda: streams.last_message(self._nats, streams.LOGS, self._subject))
        if last is not None:
            chunk, _ = message.unpack(last.headers, last.data)
            self._cutter = Cutter(chunk.first_line + chunk.lines)

    async def pump(self, output: Output, ended: Callable[[], Awaitable[object]]) -> None:
        """Publish all of a run's output, to its end. `ended` waits for that of the run.

        Cancelled, it loses nothing that it has read: see `close`.
        """
        async with aclosing(output):
            async for piece in output:
                self._reading = False
                if piece.data:
                    self._feed(piece)
                    if self._reserve.short():
                        await self._hold(ended)
                    await self._take()
                    self._take_later()
                else:
                    self._cutter.close(piece.stream, self._clock())
                self._reading = True
                self._show_later()

    def say(self, text: str) -> None:
        """A line of ours among the program's, on stderr."""
        self._cutter.close("stderr", self._clock())  # it begins a line of its own
        self._cutter.feed("stderr", text.encode() + b"\n", self._clock())

    async def close(self) -> int:
        """Returns when every line is acknowledged (I5); gives their number."""
        for stream in get_args(Stream):
            self._cutter.close(stream, self._clock())
        async with self._one_at_a_time:
            if self._showing is not None:
                self._showing.cancel()
            if self._later is not None:
                self._later.cancel()  # it sleeps or waits for its turn: no chunk is in its hands
            if self._unacknowledged is not None:
                await self._publish(self._unacknowledged)
            for chunk in self._cutter.take_all():
                await self._publish(chunk)
        return self._cutter.next_line

    def _feed(self, piece: Piece) -> None:
        stream, data, at = piece
        self.first_at = self.first_at or time.monotonic()
        if stream == "stderr":
            self.last_words = (self.last_words + data)[-_LAST_WORDS:]
        self._cutter.feed(stream, data, self._clock() if at is None else at)

    async def _hold(self, ended: Callable[[], Awaitable[object]]) -> None:
        """While the disk is nearly full a program that prints has to wait, and is told. One that
        has ended prints no more, and its run is to end."""
        logger.warning("output waits: the disk is nearly full")
        began, ending = time.monotonic(), asyncio.ensure_future(ended())
        try:
            while self._reserve.short() and not ending.done():
                await asyncio.wait([ending], timeout=_LOOK_EVERY)
        finally:
            ending.cancel()
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
        if (self._showing is None or self._showing.done()) and self._cutter.due() is not None:
            self._showing = asyncio.create_task(self._show())

    async def _show(self) -> None:
        """The rest of a line may lie in the pipe, if we were slow to read and not the program to
        write: then there is nothing to show."""
        while (due := self._cutter.due()) is not None:
            await asyncio.sleep(min(max(due - self._clock(), 0), MOST) / 1e9)
            for _ in range(_TURNS_TO_READ):
                await asyncio.sleep(0)
            if not self._reading:
                return
            self._cutter.show(self._clock())
            self._take_later()

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
        self._unacknowledged = chunk
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
                self._unacknowledged = None
                return
            await back_off(tries)
            tries += 1
