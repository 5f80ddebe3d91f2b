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
_AT_ONCE = 32  # chunks read by one query
_NO_END = 2**63 - 1
_PULSE = 10.0


class Extent(msgspec.Struct, frozen=True):
    """`stored` lines; `end` is the number of the line after the last. Equal if none is missing."""

    stored: int
    end: int


class Text(msgspec.Struct, frozen=True):
    """Stamped lines, each with its line end; the first of them has the number `first`."""

    first: int
    lines: int
    text: bytes


class Found(msgspec.Struct, frozen=True):
    number: int
    line: bytes


class Reader:
    """`settled` waits until all output that has been acknowledged by now can be read."""

    def __init__(
        self, database: Database, arrivals: Arrivals, settled: Callable[[], Awaitable[None]]
    ) -> None:
        self._database = database
        self._arrivals = arrivals
        self._settled = settled

    async def extent(self, run: UUID) -> Extent:
        row = await self._database.fetchrow(_SQL["extent"], run)
        return Extent(row["stored"], row["end"])

    async def first(self, run: UUID, number: int) -> int:
        """The first line from `number` on that is kept; `number` itself if there is none yet."""
        found: int | None = await self._database.fetchval(_SQL["first_line"], run, number)
        return number if found is None else found

    async def wait_for(self, run: UUID, lines: int, timeout: float) -> Extent:
        """What is stored once it is `lines` lines, or no more can come, or after `timeout` s."""
        deadline = asyncio.get_running_loop().time() + timeout
        with self._arrivals.watch(str(run)) as arrived:
            while True:
                arrived.clear()
                extent = await self.extent(run)
                if extent.stored >= lines or await self._forgotten(run):
                    return extent
                try:
                    async with asyncio.timeout_at(deadline):
                        await arrived.wait()
                except TimeoutError:
                    return extent

    async def _forgotten(self, run: UUID) -> bool:
        """Its task was killed: no line comes any more, and those that there were are gone."""
        return bool(await self._database.fetchval(_SQL["is_forgotten"], run))

    async def range(
        self, run: UUID, first: int, count: int = _NO_END
    ) -> AsyncGenerator[bytes, None]:
        """The text of `count` lines from `first` on, as far as they are stored."""
        async for text in self._texts(run, first, min(first + count, _NO_END)):
            yield text.text

    async def search(
        self, run: UUID, text: str, limit: int, *, ignore_case: bool = False
    ) -> AsyncGenerator[Found, None]:
        """The first `limit` lines whose text, not their stamp, holds `text`."""
        holds = _holds(text, ignore_case)
        async for stored in self._texts(run, 0, _NO_END):
            if not holds(stored.text):
                continue
            for number, line in enumerate(stored.text.split(b"\n")[:-1], start=stored.first):
                if holds(line.split(b" ", 3)[-1]):
                    yield Found(number, line)
                    limit -= 1
                    if limit <= 0:
                        return

    async def follow(self, run: UUID, first: int) -> AsyncGenerator[bytes, None]:
        """Text from line `first` on until the run has ended and all of it is given.

        Raises Unavailable rather than leave out a line: where some are gone, `first` says so.
        Empty bytes come while there is nothing new: time to see whether anybody still listens.
        """
        finished = False  # asked after what is there has been given: nobody waits for that
        with self._arrivals.watch(str(run)) as arrived:
            while True:
                arrived.clear()
                async for text in self._texts(run, first, _NO_END):
                    if text.first > first:
                        raise Unavailable(f"lines {first} to {text.first} of run {run} are gone")
                    yield text.text
                    first = text.first + text.lines
                if finished:
                    return
                if finished := await self._finished(run, first):
                    continue  # there may be more since
                if not await set_within(arrived, _PULSE):
                    yield b""

    async def _finished(self, run: UUID, first: int) -> bool:
        """If so, all lines that the run will ever have can be read now."""
        end = await self._database.fetchrow(_SQL["end_of_run"], run)
        if end is None or not end["finished"]:
            return False
        if end["lines"] is None or end["lines"] > first:
            await self._settled()
        return True

    async def _texts(self, run: UUID, first: int, end: int) -> AsyncGenerator[Text, None]:
        """Lines from `first` up to but not with `end`, a chunk's worth at a time."""
        while rows := await self._database.fetch(_SQL["chunks"], run, first, end, _AT_ONCE):
            for row in rows:
                stored = Text(row["first_line"], row["lines"], chunks.decode(row["data"]))
                yield _between(stored, first, end)
                first = stored.first + stored.lines
            if len(rows) < _AT_ONCE:
                return


def _between(stored: Text, first: int, end: int) -> Text:
    """The part of `stored` that lies in these bounds; it is not empty."""
    start, stop = max(first - stored.first, 0), min(end - stored.first, stored.lines)
    if stop - start == stored.lines:
        return stored
    lines = stored.text.split(b"\n")[start:stop]
    return Text(stored.first + start, stop - start, b"\n".join(lines) + b"\n")


def _holds(text: str, ignore_case: bool) -> Callable[[bytes], bool]:
    """Whether bytes hold a text. Without regard to case they must be decoded first."""
    if ignore_case:
        wanted = text.casefold()
        return lambda data: wanted in data.decode(errors="replace").casefold()
    exact = text.encode()
    return lambda data: exact in data
