"""A database that lost committed rows is noticed before rows with a hole are written (I4)."""

import asyncio

import pytest

from libs.eventlog.log import EventLog
from libs.eventlog.project import RowsLost, Runner
from libs.postgres.pool import Database
from tests.projections.test_runner import PATIENCE, Names, append, database, rows, running

__all__ = ["database"]  # the fixture


async def test_rows_that_are_set_back_stop_the_projection_and_are_made_up_for(
    database: Database, log: EventLog
) -> None:
    runner = Runner(database, Names(), log.follow)
    task = asyncio.create_task(runner.run())
    await runner.position.reached(await append(log, 1, 5), PATIENCE)
    await database.execute("DELETE FROM names WHERE seq > 3")
    await database.execute("UPDATE checkpoint SET seq = 3")
    await append(log, 6, 6)
    with pytest.raises(RowsLost):
        await asyncio.wait_for(task, PATIENCE)
    assert await rows(database) == [1, 2, 3]
    async with running(database, log, Names()) as again:
        await again.position.reached(6, PATIENCE)
    assert await rows(database) == [1, 2, 3, 4, 5, 6]
