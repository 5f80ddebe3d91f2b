"""Turning write-ahead files that nobody writes to any more into Parquet, pipeline by pipeline.

A file is sealed once: its blobs first, whose keys follow from its number; then its commit in
Postgres together with the index; then it is deleted. A kill at any step leaves it to the next
sealer, which does the same again or finds the commit.
"""

import asyncio
import fcntl
import logging
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pyarrow as pa
from pyarrow import parquet

from libs.blobs.store import BlobStore
from libs.postgres.pool import Database
from libs.postgres.statements import load
from services.inference.logs.frames import frames
from services.inference.logs.merge import groups, merged
from services.inference.logs.record_tables import Record, tables
from services.inference.logs.retention import Place, delete
from services.inference.logs.unsealed import Unsealed, record

logger = logging.getLogger(__name__)

MAX_SPAN = 3_600_000  # ms between the first and the last time of a segment
_PART_BYTES, _PART_RECORDS = 4 << 20, 4000  # of the records that one or more segments are made of
_SQL = load(__name__)


class Segment(NamedTuple):
    """As its row in Postgres; `path` is its content, and `runs` how many rows which run has."""

    pipeline: UUID
    file: int
    part: int
    workspace: int
    first_time: int
    last_time: int
    rows: int
    bytes: int
    key: str
    path: Path
    runs: Mapping[str, int]

    @property
    def place(self) -> Place:
        """Its key in Postgres."""
        return self.pipeline, self.file, self.part


class Sealer:
    """Of the files in one folder. `scratch` is a folder of this process alone."""

    def __init__(self, folder: Path, database: Database, blobs: BlobStore, scratch: Path) -> None:
        self._files = Unsealed(folder)
        self._database, self._blobs, self._scratch = database, blobs, scratch

    async def tick(self) -> int:
        """Seals what may be, and says how many files. Raises Unavailable, or Rejected("no_space"):
        what was not sealed is sealed next time."""
        files = await asyncio.to_thread(self._files.files)
        return sum([await self._try(file) for file in files])

    async def _try(self, file: int) -> bool:
        with _locked(self._files.path(file)) as descriptor:
            if descriptor is None:
                return False
            try:
                if not await self._database.fetchval(_SQL["is_sealed"], file):
                    await self._seal(file, descriptor)
            except (pa.ArrowException, MemoryError) as problem:
                logger.error("file %d of pipeline logs can't be sealed yet: %r", file, problem)
                return False
            self._files.path(file).unlink(missing_ok=True)
        return True

    async def _seal(self, file: int, descriptor: int) -> None:
        segments: list[Segment] = []
        content = await asyncio.to_thread(_content, descriptor)
        forgotten = await self._forgotten(file, content)
        parts = _parts(file, content, forgotten)
        while (records := await asyncio.to_thread(next, parts, None)) is not None:
            for table in await asyncio.to_thread(_tables, records):
                segment = await asyncio.to_thread(self._segment, records, table, len(segments))
                await self._blobs.put(segment.key, segment.path)
                segment.path.unlink()
                segments.append(segment)
        await self._commit(file, segments)
        rows = sum(segment.rows for segment in segments)
        logger.info("sealed %d rows of file %d in %d segments", rows, file, len(segments))

    async def _forgotten(self, file: int, content: memoryview) -> Mapping[UUID, int]:
        pipelines = {record(file, frame).head.pipeline for frame in frames(content)}
        rows = await self._database.fetch(_SQL["forgotten_until"], list(pipelines))
        return {row["pipeline"]: row["forgotten_until"] for row in rows}

    def _segment(self, records: Sequence[Record], table: pa.Table, number: int) -> Segment:
        head, file = records[0].head, records[0].file
        path = self._scratch / f"{file}-{number}"
        _write(table, path)
        times = table["time"].cast(pa.int64())
        runs = table["request.run"].drop_null().value_counts().to_pylist()
        return Segment(
            pipeline=head.pipeline,
            file=file,
            part=number,
            workspace=head.workspace,
            first_time=int(times.to_numpy().min()),
            last_time=int(times.to_numpy().max()),
            rows=table.num_rows,
            bytes=path.stat().st_size,
            key=f"pipeline-logs/{head.pipeline}/{file}-{number}.parquet",
            path=path,
            runs={one["values"]: one["counts"] for one in runs},
        )

    async def _commit(self, file: int, segments: Sequence[Segment]) -> None:
        """Does nothing if there is a commit of the file."""
        async with self._database.transaction() as connection:
            if await connection.fetchval(_SQL["insert_sealed"], file) is None or not segments:
                return
            columns = list(zip(*segments, strict=True))
            await connection.execute(_SQL["insert_segments"], *map(list, columns[:9]))
            runs = [
                (UUID(run), one.pipeline, file, one.part, rows)
                for one in segments
                for run, rows in one.runs.items()
            ]
            if runs:
                columns = list(zip(*runs, strict=True))
                await connection.execute(_SQL["insert_runs"], *map(list, columns))
            pipelines = await connection.fetch(_SQL["add_to_pipelines"], *_totals(segments))
            forgotten = {row["pipeline"]: row["forgotten_until"] for row in pipelines}
            late = [one for one in segments if one.last_time <= forgotten[one.pipeline]]
            if late:  # forgotten since this file was read
                await delete(connection, [one.place for one in late])


def _totals(segments: Sequence[Segment]) -> tuple[list[UUID], list[int], list[int]]:
    """Pipelines, their rows and bytes; in an order, so that two commits don't lock each other."""
    rows: dict[UUID, int] = defaultdict(int)
    size: dict[UUID, int] = defaultdict(int)
    for one in segments:
        rows[one.pipeline] += one.rows
        size[one.pipeline] += one.bytes
    pipelines = sorted(rows)
    return pipelines, [rows[one] for one in pipelines], [size[one] for one in pipelines]


@contextmanager
def _locked(path: Path) -> Iterator[int | None]:
    """The file, if nobody writes to it and nobody else seals it."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield None
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = os.fstat(descriptor).st_nlink > 0
    except BlockingIOError:
        free = False
    try:
        yield descriptor if free else None
    finally:
        os.close(descriptor)


def _content(descriptor: int) -> memoryview:
    return memoryview(os.pread(descriptor, os.fstat(descriptor).st_size, 0))


class _Part:
    """Records of one pipeline, in their order, until there are enough for a segment."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._bytes = 0
        self._first = self._last = 0

    def takes(self, one: Record) -> bool:
        """Adds it, if there is room for it."""
        time = one.head.time
        if not self.records:
            self._first = self._last = time
        first, last = min(self._first, time), max(self._last, time)
        full = self._bytes >= _PART_BYTES or len(self.records) >= _PART_RECORDS
        if full or last - first > MAX_SPAN:
            return False
        self._first, self._last = first, last
        self._bytes += len(one.body)
        self.records.append(one)
        return True


def _parts(
    file: int, content: memoryview, forgotten: Mapping[UUID, int]
) -> Iterator[Sequence[Record]]:
    """All that is to be kept of a file; always in the same order."""
    parts: dict[UUID, _Part] = defaultdict(_Part)
    for frame in frames(content):
        one = record(file, frame)
        pipeline = one.head.pipeline
        if one.head.time > forgotten.get(pipeline, -1) and not parts[pipeline].takes(one):
            yield parts.pop(pipeline).records
            parts[pipeline].takes(one)
    yield from (part.records for part in parts.values())


def _tables(records: Sequence[Record]) -> list[pa.Table]:
    return [merged(group) for group in groups(tables(records))]


def _write(table: pa.Table, path: Path) -> None:
    """What Parquet can't hold for all that is left out, and named as what is dropped."""
    try:
        _write_parquet(table, path)
    except pa.ArrowException as problem:
        logger.warning("columns of %s are left out: %s", path.name, problem)
        _write_parquet(_writable(table), path)


def _write_parquet(table: pa.Table, path: Path) -> None:
    """Numbers of tensors hardly ever repeat: to look for it takes longer than all the rest."""
    repeating = [field.name for field in table.schema if not field.type.num_fields]
    parquet.write_table(table, path, compression="zstd", use_dictionary=repeating)


def _writable(table: pa.Table) -> pa.Table:
    bad = []
    for name in table.column_names:
        try:
            parquet.write_table(table.select([name]), pa.BufferOutputStream())
        except pa.ArrowException:
            bad.append(name)
    dropped = [[*names, *bad] for names in table["metadata.dropped"].to_pylist()]
    at = table.schema.get_field_index("metadata.dropped")
    named = table.set_column(at, table.schema.field(at), pa.array(dropped, table.schema.types[at]))
    return named.drop_columns(bad)
