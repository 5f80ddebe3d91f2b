"""What is read of a log is what was appended, sealed or not."""

import asyncio
import random
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from services.inference.logs.log_query import LogQuery
from services.inference.logs.page import Page
from tests.inference.logs.conftest import Logs
from tests.inference.logs.records import AT, PIPELINE, head, json_body, numbered

OTHER = UUID("33333333-3333-4333-8333-333333333333")
RUNS = [UUID(int=n, version=4) for n in range(2)]


def values(page: Page) -> list[float]:
    """The first number of each row's input."""
    return [value[0] for value in page.table["in.tensor"].to_pylist()]


async def everything(logs: Logs, query: LogQuery, pipeline: UUID = PIPELINE) -> list[float]:
    """Of all pages, each of which says truly whether there is more."""
    found: list[float] = []
    while True:
        page = await logs.reader.page(pipeline, query)
        found += values(page) if page.table.num_rows else []
        if page.status == "All":
            return found
        assert page.next, "there is more, and no way to it"
        if query.limit is not None:
            assert page.table.num_rows == query.limit
        query = msgspec.structs.replace(query, cursor=page.next)


async def test_an_append_is_read_at_once(logs: Logs) -> None:
    writer = logs.writer()
    for number in range(3):
        writer.append(head(time=AT + number), json_body([[float(number)]]))
        assert await everything(logs, LogQuery()) == [float(n) for n in range(number + 1)]
    writer.close()


@pytest.mark.parametrize("sealed", [False, True])
async def test_descending_turns_the_rows_of_a_request_round_too(logs: Logs, sealed: bool) -> None:
    writer = logs.writer()
    writer.append(head(), json_body([[1.0], [2.0]]))
    writer.append(head(time=AT + 1), json_body([[3.0], [4.0]]))
    writer.close()
    if sealed:
        assert await logs.sealer.tick() == 1
        assert not list(logs.folder.iterdir())
    assert await everything(logs, LogQuery()) == [1, 2, 3, 4]
    assert await everything(logs, LogQuery(descending=True)) == [4, 3, 2, 1]
    assert await everything(logs, LogQuery(descending=True, limit=3)) == [4, 3, 2, 1]


class Model:
    """A plain list of what was appended."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, UUID, UUID | None, float]] = []

    def answer(self, query: LogQuery, pipeline: UUID) -> list[float]:
        found = [
            value
            for time, of, run, value in sorted(self.rows, key=lambda row: row[0])
            if of == pipeline and query.start <= time <= query.end and query.run in (None, run)
        ]
        return found[::-1] if query.descending else found


def drawn_query(draw: random.Random, model: Model) -> LogQuery:
    times = [row[0] for row in model.rows] or [AT]
    low, high = draw.choice(times) + draw.choice([-1, 0, 1]), draw.choice(times)
    bounds: dict[str, Any] = draw.choice([{}, {"start": low, "end": max(low, high)}])
    return LogQuery(
        descending=draw.random() < 0.5,
        limit=draw.choice([None, 1, 2, 3, 7, 1000]),
        run=draw.choice([None, None, *RUNS]),
        **bounds,
    )


@pytest.mark.parametrize("seed", range(4))
async def test_pages_are_those_of_a_plain_list(logs: Logs, seed: int) -> None:
    draw, model, time = random.Random(seed), Model(), AT
    writer = logs.writer()
    for number in range(60):
        time += draw.choice([0, 0, 1, 5, 2_000_000])
        pipeline, run = draw.choice([PIPELINE, OTHER]), draw.choice([None, *RUNS])
        rows = [float(number * 10 + row) for row in range(draw.randrange(1, 5))]
        writer.append(head(numbered(number), time, pipeline, run), json_body([[x] for x in rows]))
        model.rows += [(time, pipeline, run, value) for value in rows]
        if draw.random() < 0.1:
            writer.close()
            writer = logs.writer()
        if draw.random() < 0.1:
            await logs.sealer.tick()
        query = drawn_query(draw, model)
        assert await everything(logs, query, pipeline) == model.answer(query, pipeline), query
    writer.close()
    await logs.sealer.tick()
    for _ in range(20):
        query = drawn_query(draw, model)
        assert await everything(logs, query) == model.answer(query, PIPELINE), query
        counted = {
            of: sum(row[1:3] == (of, query.run) for row in model.rows) for of in (PIPELINE, OTHER)
        }
        if query.run is not None:
            assert await logs.reader.pipelines_of(query.run) == counted


async def test_requests_of_two_gateways_are_merged_by_time(logs: Logs) -> None:
    writers = [logs.writer(), logs.writer()]
    for number in range(20):
        writers[number % 2].append(head(time=AT + number), json_body([[float(number)]]))
    expected = [float(number) for number in range(20)]
    assert await everything(logs, LogQuery(limit=3)) == expected
    writers[0].close()
    await logs.sealer.tick()
    assert await everything(logs, LogQuery(limit=3)) == expected
    writers[1].close()
    await logs.sealer.tick()
    assert await everything(logs, LogQuery(limit=3)) == expected
    assert await everything(logs, LogQuery(descending=True, limit=3)) == expected[::-1]


async def test_readers_see_each_row_once_while_files_are_sealed(logs: Logs) -> None:
    appended: list[float] = []
    run = uuid4()

    async def append() -> None:
        for first in range(0, 150, 5):
            writer = logs.writer()
            for number in range(first, first + 5):
                writer.append(head(time=AT + number, run=run), json_body([[float(number)]]))
                appended.append(float(number))
            await asyncio.to_thread(writer.close)

    async def seal() -> None:
        while len(appended) < 150:
            await logs.sealer.tick()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(append())
        tasks.create_task(seal())
        while len(appended) < 150:
            before = len(appended)
            found = await everything(logs, LogQuery())
            assert found == [float(n) for n in range(len(found))]
            assert before <= len(found)
            before = len(appended)
            assert before <= await logs.reader.count(PIPELINE) <= len(appended)
            before = len(appended)
            counts = await logs.reader.pipelines_of(run)
            assert before <= counts.get(PIPELINE, 0) <= len(appended)


async def test_the_tail_is_the_newest_rows_the_oldest_first(logs: Logs) -> None:
    writer = logs.writer()
    for number in range(5):
        writer.append(head(time=AT + number), json_body([[float(number)]]))
    page = await logs.reader.page(PIPELINE, LogQuery(descending=True, tail=True, limit=3))
    assert values(page) == [2, 3, 4]
    assert await logs.reader.count(PIPELINE) == 5
    assert await everything(logs, LogQuery(cursor=page.next)) == []
    writer.append(head(time=AT + 9), json_body([[9.0]]))
    assert await everything(logs, LogQuery(cursor=page.next)) == [9.0]
    writer.close()


async def test_a_pipeline_that_never_inferred_has_an_empty_log(logs: Logs) -> None:
    page = await logs.reader.page(uuid4(), LogQuery())
    assert (page.table.num_rows, page.status, page.next) == (0, "All", None)
    assert page.table.column_names == ["time"]
