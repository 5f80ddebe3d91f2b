"""Reading a run's log: parts of it, lines that hold a text, history and then what comes.

Lines are the stamped ones, counted from 0. Everything is read and given chunk by chunk, only the
chunks that are needed, and with no transaction open in between: a slow reader costs nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from uuid import UUID

import msgspec

from libs.domain.errors import Unavailable
from libs.postgres.pool import Database
from libs.postgres.statements import load
from libs.runlog import chunks
from libs.waiting.event import set_within
from services.logs.arrivals import Arrivals

_SQL = load(__name__)
_MAX_QUERY_CHUNKS = 32
_NO_END = 2**63 - 1
_PULSE_INTERVAL_SECONDS = 10.0


class Extent(msgspec.Struct, frozen=True):
    """`line_count` lines are stored; `end` is the number of the line after the last. The two are
    equal if none is missing."""

    line_count: int
    end: int


class Text(msgspec.Struct, frozen=True):
    """`lines` stamped lines, each with its line end; the first of them has the number `first`."""

    first: int
    lines: int
    text: bytes


class Match(msgspec.Struct, frozen=True):
    """A stamped line that holds the text, without its line end."""

    number: int
    line: bytes


class Reader:
    """Reads the logs of runs. `settle` waits until all output that is acknowledged by now can be
    read."""

    def __init__(
        self, database: Database, arrivals: Arrivals, settle: Callable[[], Awaitable[None]]
    ) -> None:
        self._database = database
        self._arrivals = arrivals
        self._settle = settle

    async def extent(self, run: UUID) -> Extent:
        """How much of the run's log is stored."""
        row = await self._database.fetchrow(_SQL["extent"], run)
        return Extent(row["stored"], row["end"])

    async def first(self, run: UUID, number: int) -> int:
        """The number of the first stored line from `number` on; `number` if there is none yet."""
        first: int | None = await self._database.fetchval(_SQL["first_line"], run, number)
        return number if first is None else first

    async def wait_for(self, run: UUID, lines: int, timeout: float) -> Extent:
        """The extent once `lines` lines are stored, no more can come, or `timeout` s are over."""
        deadline = asyncio.get_running_loop().time() + timeout
        with self._arrivals.watch(str(run)) as arrival:
            while True:
                arrival.clear()
                extent = await self.extent(run)
                if extent.line_count >= lines or await self._is_forgotten(run):
                    return extent
                try:
                    async with asyncio.timeout_at(deadline):
                        await arrival.wait()
                except TimeoutError:
                    return extent

    async def _is_forgotten(self, run: UUID) -> bool:
        """Whether its task was killed: its lines are deleted, and no more come."""
        return bool(await self._database.fetchval(_SQL["is_forgotten"], run))

    async def range(
        self, run: UUID, first: int, count: int = _NO_END
    ) -> AsyncGenerator[bytes, None]:
        """The text of `count` lines from `first` on, as far as they are stored."""
        async for text in self._texts(run, first, min(first + count, _NO_END)):
            yield text.text

    async def search(
        self, run: UUID, text: str, limit: int, *, ignore_case: bool = False
    ) -> AsyncGenerator[Match, None]:
        """The first `limit` lines whose text, not their stamp, holds `text`."""
        holds = _holds(text, ignore_case)
        async for stored in self._texts(run, 0, _NO_END):
            if not holds(stored.text):
                continue
            for number, line in enumerate(stored.text.split(b"\n")[:-1], start=stored.first):
                if holds(line.split(b" ", 3)[-1]):
                    yield Match(number, line)
                    limit -= 1
                    if limit <= 0:
                        return

    async def follow(self, run: UUID, first: int) -> AsyncGenerator[bytes, None]:
        """The text from line `first` on, until the run has ended and all of it is sent.

        Raises Unavailable rather than leave out a line; `Reader.first` tells whether some are
        deleted. Empty bytes come while there is nothing new, so that the caller can look whether
        anybody still listens.
        """
        finished = False  # asked after what is there has been given: nobody waits for that
        with self._arrivals.watch(str(run)) as arrival:
            while True:
                arrival.clear()
                async for text in self._texts(run, first, _NO_END):
                    if text.first > first:
                        raise Unavailable(f"lines {first} to {text.first} of run {run} are gone")
                    yield text.text
                    first = text.first + text.lines
                if finished:
                    return
                if finished := await self._is_finished(run, first):
                    continue  # there may be more since
                if not await set_within(arrival, _PULSE_INTERVAL_SECONDS):
                    yield b""

    async def _is_finished(self, run: UUID, first: int) -> bool:
        """Whether the run has ended; if so, all its lines can be read now."""
        end = await self._database.fetchrow(_SQL["end_of_run"], run)
        if end is None or not end["finished"]:
            return False
        if end["lines"] is None or end["lines"] > first:
            await self._settle()
        return True

    async def _texts(self, run: UUID, first: int, end: int) -> AsyncGenerator[Text, None]:
        """Lines from `first` up to but not with `end`, a chunk's worth at a time."""
        while rows := await self._database.fetch(
            _SQL["chunks"], run, first, end, _MAX_QUERY_CHUNKS
        ):
            for row in rows:
                stored = Text(row["first_line"], row["lines"], chunks.decode(row["data"]))
                yield _between(stored, first, end)
                first = stored.first + stored.lines
            if len(rows) < _MAX_QUERY_CHUNKS:
                return


def _between(stored: Text, first: int, end: int) -> Text:
    """The part of `stored` that lies in these bounds; it is not empty."""
    start, stop = max(first - stored.first, 0), min(end - stored.first, stored.lines)
    if stop - start == stored.lines:
        return stored
    lines = stored.text.split(b"\n")[start:stop]
    return Text(stored.first + start, stop - start, b"\n".join(lines) + b"\n")


def _holds(text: str, ignore_case: bool) -> Callable[[bytes], bool]:
    """A test for bytes that hold the text. Without regard to case it decodes them first."""
    if ignore_case:
        folded = text.casefold()
        return lambda data: folded in data.decode(errors="replace").casefold()
    exact = text.encode()
    return lambda data: exact in data
