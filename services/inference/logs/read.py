"""Reading a pipeline's log: what is sealed and what is not yet, merged in the order of time.

Rows order by their places: time, file, place in the file, row of the request; `descending` is the
full reverse. Blocks are read one after the other by their nearer ends, until enough rows lie before
whatever the next could hold.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar
from uuid import UUID

import pyarrow as pa
from pyarrow import parquet

from libs.blobs.store import BlobStore
from libs.domain.errors import Rejected, Unavailable
from libs.postgres.pool import Database
from libs.postgres.statements import load
from services.inference.logs.log_query import MAX_INT64, LogQuery
from services.inference.logs.page import Page, Rows
from services.inference.logs.record_tables import tables
from services.inference.logs.seal import MAX_SPAN
from services.inference.logs.unsealed import Entry, Sealed, Unsealed

logger = logging.getLogger(__name__)

_SQL = load(__name__)
_ATTEMPTS = 10  # while files are sealed under our eyes
_MAX_BATCH, _MAX_BATCH_BYTES = 500, 4 << 20  # of entries that are read at once
_MAX_INT32 = 2**31 - 1

Result = TypeVar("Result")


class _Segment(NamedTuple):
    """As its row in Postgres."""

    file: int
    part: int
    first_time: int
    last_time: int
    key: str


class _Batch(NamedTuple):
    """Entries one after the other, in the order that is asked for."""

    entries: Sequence[Entry]
    first_time: int
    last_time: int


class _Files(NamedTuple):
    """The numbers of files that are not sealed, and what is in them by pipelines."""

    numbers: list[int]
    entries: list[Mapping[UUID, Sequence[Entry]]]


class Reader:
    """`scratch` is a folder of this process alone. All raise Unavailable."""

    def __init__(self, folder: Path, database: Database, blobs: BlobStore, scratch: Path) -> None:
        self._unsealed = Unsealed(folder)
        self._database, self._blobs, self._scratch = database, blobs, scratch
        self._lock = asyncio.Lock()  # of the unsealed files

    async def page(self, pipeline: UUID, query: LogQuery) -> Page:
        """The next rows. Rejected("invalid") for a bad cursor."""
        return await self._unless_sealed(lambda files: self._page(pipeline, query, files))

    async def count(self, pipeline: UUID) -> int:
        """How many rows there are, give or take those that are being deleted."""
        return await self._unless_sealed(lambda files: self._count(pipeline, files))

    async def pipelines_of(self, run: UUID) -> dict[UUID, int]:
        """How many rows of which pipelines a task run has asked for."""
        return await self._unless_sealed(lambda files: self._pipelines_of(run, files))

    async def _unless_sealed(self, read: Callable[[_Files], Awaitable[Result]]) -> Result:
        for _ in range(_ATTEMPTS):
            try:
                return await read(await self._files())
            except Sealed:
                continue
        raise Unavailable("pipeline logs are being sealed; ask again")

    async def _count(self, pipeline: UUID, files: _Files) -> int:
        row = await self._database.fetchrow(_SQL["count"], pipeline, files.numbers)
        sealed, forgotten = (row["rows"], row["forgotten_until"]) if row else (0, -1)
        mine = [one for entries in files.entries for one in entries.get(pipeline, ())]
        return int(sealed) + sum(one.rows for one in mine if one.time > forgotten)

    async def _pipelines_of(self, run: UUID, files: _Files) -> dict[UUID, int]:
        sealed = await self._database.fetch(_SQL["pipelines_of_run"], run, files.numbers)
        counts = {row["pipeline"]: int(row["rows"]) for row in sealed}
        for entries in files.entries:
            for pipeline, some in entries.items():
                if rows := sum(one.rows for one in some if one.run == run):
                    counts[pipeline] = counts.get(pipeline, 0) + rows
        return counts

    async def _page(self, pipeline: UUID, query: LogQuery, files: _Files) -> Page:
        forgotten = await self._database.fetchval(_SQL["forgotten_until_of"], pipeline)
        rows = Rows(query, -1 if forgotten is None else forgotten)
        mine = [one for entries in files.entries for one in entries.get(pipeline, ())]
        mine = sorted(filter(rows.may_hold, mine), reverse=query.descending)
        segments = self._segments(pipeline, query, rows, files.numbers)
        async for block in _in_order(segments, _batches(mine), query.descending):
            if rows.enough(block.last_time if query.descending else block.first_time):
                break
            for table in await self._load(block, rows):
                await asyncio.to_thread(rows.add, table)
        return await asyncio.to_thread(rows.page)

    async def _files(self) -> _Files:
        """What is sealed, in turn, is in the index from now on. Raises Sealed."""
        numbers = await asyncio.to_thread(self._unsealed.files)
        rows = await self._database.fetch(_SQL["sealed_of"], numbers) if numbers else []
        sealed = {row["file"] for row in rows}
        unsealed = [number for number in numbers if number not in sealed]
        async with self._lock:
            return await asyncio.to_thread(self._look, unsealed)

    def _look(self, numbers: list[int]) -> _Files:
        self._unsealed.keep_only(numbers)
        return _Files(numbers, [self._unsealed.entries(number) for number in numbers])

    async def _segments(
        self, pipeline: UUID, query: LogQuery, rows: Rows, unsealed: list[int]
    ) -> AsyncIterator[_Segment]:
        """Those that may have rows, by their nearer ends."""
        end = min(rows.end, MAX_INT64 - MAX_SPAN - 1)
        at = (end + MAX_SPAN + 1, -1, -1) if query.descending else (rows.start - MAX_SPAN, -1, -1)
        statement = _SQL["segments_down"] if query.descending else _SQL["segments_up"]
        only = await self._segments_of_run(pipeline, query.run)
        while page := await self._database.fetch(
            statement, pipeline, *at, rows.start, rows.end, unsealed
        ):
            for row in page:
                if only is None or (row["file"], row["part"]) in only:
                    yield _Segment(*(row[name] for name in _Segment._fields))
            time = "last_time" if query.descending else "first_time"
            at = (page[-1][time], page[-1]["file"], page[-1]["part"])

    async def _segments_of_run(
        self, pipeline: UUID, run: UUID | None
    ) -> set[tuple[int, int]] | None:
        """None if that is no help."""
        if run is None:
            return None
        rows = await self._database.fetch(_SQL["segments_of_run"], run, pipeline)
        return {(row["file"], row["part"]) for row in rows} if len(rows) < 1000 else None

    async def _load(self, block: _Segment | _Batch, rows: Rows) -> list[pa.Table]:
        if isinstance(block, _Batch):
            async with self._lock:
                return await asyncio.to_thread(self._tables, block.entries)
        path = self._scratch / secrets.token_hex(8)
        try:
            await self._blobs.get(block.key, path)
            return [await asyncio.to_thread(_read, path, rows)]
        except Rejected as refused:
            if refused.code != "not_found":
                raise
            logger.warning("%s of a pipeline's log is gone", block.key)  # retention was faster
            return []
        finally:
            path.unlink(missing_ok=True)

    def _tables(self, entries: Sequence[Entry]) -> list[pa.Table]:
        return list(tables(self._unsealed.records(entries)))


def _read(path: Path, rows: Rows) -> pa.Table:
    with parquet.ParquetFile(path) as file:
        return file.read(columns=rows.wanted(file.schema_arrow.names))


def _batches(entries: Sequence[Entry]) -> list[_Batch]:
    batches: list[list[Entry]] = []
    size = 0
    for one in entries:
        if not batches or len(batches[-1]) >= _MAX_BATCH or size >= _MAX_BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(one)
        size += one.end - one.offset
    return [_Batch(each, *sorted((each[0].time, each[-1].time))) for each in batches]


async def _in_order(
    segments: AsyncIterator[_Segment], batches: Sequence[_Batch], descending: bool
) -> AsyncIterator[_Segment | _Batch]:
    """Both by their nearer ends."""
    left = list(reversed(batches))
    async for segment in segments:
        while left and (
            left[-1].last_time > segment.last_time
            if descending
            else left[-1].first_time < segment.first_time
        ):
            yield left.pop()
        yield segment
    while left:
        yield left.pop()
