"""What is kept no more is gone, with its blobs; what is kept is whole."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from services.inference.logs.log_query import MAX_INT64, LogQuery
from services.inference.logs.retention import Retention
from tests.inference.logs.conftest import Logs
from tests.inference.logs.records import AT, PIPELINE, head, json_body
from tests.inference.logs.test_read import OTHER, RUNS, everything

DAY = 86_400_000


async def fill(logs: Logs, times: Iterable[int]) -> None:
    """A segment of each pipeline for each time."""
    for time in times:
        writer = logs.writer()
        for pipeline in (PIPELINE, OTHER):
            writer.append(
                head(time=time, pipeline=pipeline, run=RUNS[0]), json_body([[float(time)]])
            )
        writer.close()
    await logs.sealer.tick()


def retention(logs: Logs, days: int = 30, max_bytes: int = 1 << 30) -> Retention:
    return Retention(logs.database, logs.blobs, days, max_bytes)


async def blobs(logs: Logs) -> int:
    return len(await logs.blobs.list(""))


async def test_old_logs_go(logs: Logs) -> None:
    times = range(AT, AT + 4 * DAY, DAY)
    await fill(logs, times)
    assert await blobs(logs) == 8
    await retention(logs, days=2).tick(AT + 4 * DAY, MAX_INT64)
    assert await everything(logs, LogQuery()) == [float(time) for time in times[2:]]
    assert await logs.reader.count(PIPELINE) == 2
    assert await logs.reader.pipelines_of(RUNS[0]) == {PIPELINE: 2, OTHER: 2}
    assert await blobs(logs) == 4
    assert await logs.database.fetchval("SELECT count(*) FROM garbage") == 0


async def test_of_a_pipeline_that_has_too_much_the_oldest_goes(logs: Logs) -> None:
    await fill(logs, range(AT, AT + 5))
    size = await logs.database.fetchval("SELECT max(bytes) FROM segment")
    await retention(logs, max_bytes=size * 2).tick(AT, MAX_INT64)
    assert await everything(logs, LogQuery()) == [AT + 3, AT + 4]
    assert await blobs(logs) == 4
    total = await logs.database.fetch("SELECT bytes FROM pipeline")
    assert all(0 < row["bytes"] <= size * 2 for row in total)


async def test_a_forgotten_pipeline_leaves_no_blob_and_no_other_loses_one(logs: Logs) -> None:
    await fill(logs, range(AT, AT + 150))
    assert await blobs(logs) == 300
    await retention(logs).forget(PIPELINE, AT + 149)
    assert await everything(logs, LogQuery()) == []
    assert await everything(logs, LogQuery(), OTHER) == [float(n) for n in range(AT, AT + 150)]
    assert await blobs(logs) == 150


async def test_a_pipeline_that_is_forgotten_while_its_file_is_sealed_leaves_nothing(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = logs.blobs.put

    async def forget_first(key: str, source: Path) -> None:
        await retention(logs).forget(PIPELINE, AT)
        await put(key, source)

    monkeypatch.setattr(logs.blobs, "put", forget_first)
    await fill(logs, [AT])
    assert await logs.reader.count(PIPELINE) == 0
    assert await everything(logs, LogQuery(), OTHER) == [AT]
    await retention(logs).tick(AT, MAX_INT64)
    assert await blobs(logs) == 1


async def test_a_blob_that_is_gone_spoils_no_page(
    logs: Logs, caplog: pytest.LogCaptureFixture
) -> None:
    """A backup may name segments whose blobs retention has deleted since."""
    await fill(logs, range(AT, AT + 3))
    key = await logs.database.fetchval(
        "SELECT key FROM segment WHERE pipeline = $1 AND first_time = $2", PIPELINE, AT + 1
    )
    await logs.blobs.delete(key)
    assert await everything(logs, LogQuery()) == [AT, AT + 2]
    assert "is gone" in caplog.text


async def test_a_commit_is_kept_while_its_file_may_come_back(logs: Logs) -> None:
    await fill(logs, range(AT, AT + 2))
    await retention(logs).tick(AT, MAX_INT64)
    assert await logs.database.fetchval("SELECT count(*) FROM sealed") == 2
    await logs.database.execute("UPDATE sealed SET sealed_at = now() - interval '2 days'")
    newest = await logs.database.fetchval("SELECT max(file) FROM sealed")
    await retention(logs).tick(AT, newest)
    assert await logs.database.fetchval("SELECT file FROM sealed") == newest
