"""The projection runner: rows and checkpoint together, fenced, however it is driven (I4)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from libs.domain.errors import Unavailable
from libs.domain.events import WorkspaceCreated
from libs.domain.ids import workspace_stream
from libs.eventlog import project
from libs.eventlog.envelope import Context, Recorded
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.project import Runner
from libs.postgres import pool
from libs.postgres.pool import Connection, Database
from tests.platform import until
from tests.servers import NatsServer

HERE = Context(source="test", actor="test")
PATIENCE = 20.0


class Names:
    """Appends each event's name to a table that would show a doubled or lost one."""

    name = "names"

    def __init__(self) -> None:
        self.told: list[int] = []
        self.fail_at = self.transactions = 0
        self.loaded = asyncio.Event()
        self._told = asyncio.Event()

    async def load(self, connection: Connection) -> None:
        self.loaded.set()

    def received(self, batch: Sequence[Recorded]) -> None:
        pass

    async def apply(self, connection: Connection, fresh: Sequence[Recorded]) -> None:
        self.transactions += 1
        for fact in fresh:
            await connection.execute("INSERT INTO names (seq) VALUES ($1)", fact.seq)
            if fact.seq == self.fail_at:
                raise RuntimeError("this event can't be applied")

    def applied(self, batch: Sequence[Recorded]) -> None:
        self.told += [fact.seq for fact in batch]
        told, self._told = self._told, asyncio.Event()
        told.set()

    async def written(self, seq: int) -> None:
        """Returns once it was told so, without asking for it."""
        while seq not in self.told:
            await self._told.wait()


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    async with pool.connect(dsn, "test") as database:
        await database.execute("CREATE SCHEMA test")
        await database.execute("CREATE TABLE checkpoint (name text PRIMARY KEY, seq bigint)")
        await database.execute("CREATE TABLE names (id serial, seq bigint)")
        yield database


@asynccontextmanager
async def running(
    database: Database, log: EventLog, names: Names, behind: int = 0
) -> AsyncIterator[Runner[Recorded]]:
    runner = Runner(database, names, log.follow, behind)
    task = asyncio.create_task(runner.run())
    try:
        async with asyncio.timeout(PATIENCE):
            await names.loaded.wait()  # it learns of what comes after this
        yield runner
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def append(log: EventLog, first: int, last: int) -> int:
    seq = 0
    for number in range(first, last + 1):
        event = WorkspaceCreated(name=f"w{number}", owner="me")
        seq = await log.append(Proposed(workspace_stream(number), 0, event), HERE)
    return seq


async def rows(database: Database) -> list[int]:
    return [row["seq"] for row in await database.fetch("SELECT seq FROM names ORDER BY id")]


async def test_rows_can_be_read_once_the_position_says_so(
    database: Database, log: EventLog
) -> None:
    names = Names()
    async with running(database, log, names) as runner:
        for number in range(1, 21):
            seq = await append(log, number, number)
            await runner.position.reached(seq, PATIENCE)
            assert (await rows(database))[-1] == seq
    assert names.told == list(range(1, 21))


async def test_a_database_that_goes_away_at_the_start_is_waited_for(
    database: Database, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, breaks = database.snapshot, iter([True, True])

    @asynccontextmanager
    async def broken() -> AsyncIterator[Connection]:
        async with snapshot() as connection:
            yield connection
            if next(breaks, False):
                raise Unavailable("refused by the test")

    monkeypatch.setattr(database, "snapshot", broken)
    async with running(database, log, Names()) as runner:
        await runner.position.reached(await append(log, 1, 1), PATIENCE)
        assert await rows(database) == [1]


async def test_rows_that_nobody_waits_for_are_written_together(
    database: Database, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names()
    async with running(database, log, names) as runner:
        await runner.position.reached(await append(log, 1, 1), PATIENCE)
        monkeypatch.setattr(project, "WRITE_PAUSE_SECONDS", 10 * PATIENCE)
        last = await append(log, 2, 50)
        assert names.told == [1]
        await runner.position.reached(last, PATIENCE)
    assert names.told == list(range(1, last + 1))
    assert names.transactions < 10


async def test_they_are_written_after_a_moment_all_the_same(
    database: Database, log: EventLog
) -> None:
    names = Names()
    async with running(database, log, names):
        await append(log, 1, 20)
        async with asyncio.timeout(PATIENCE):
            await names.written(20)


async def test_copies_share_the_work_and_each_learns_of_everything(
    database: Database, log: EventLog
) -> None:
    copies = [Names() for _ in range(3)]
    async with AsyncExitStack() as stack:
        runners = [await stack.enter_async_context(running(database, log, one)) for one in copies]
        seq = await append(log, 1, 100)
        for runner in runners:
            await runner.position.reached(seq, PATIENCE)
    assert await rows(database) == list(range(1, 101))
    assert all(one.told == list(range(1, 101)) for one in copies)


async def test_rows_that_may_be_behind_are_written_many_at_once(
    database: Database, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "QUIET_SECONDS", 3600.0)
    async with running(database, log, Names(), behind=5) as runner:
        await runner.position.reached(await append(log, 1, 5), PATIENCE)
        assert await rows(database) == []
    for stop, written in ((6, 6), (11, 6), (12, 12)):
        async with running(database, log, Names(), behind=5) as runner:
            await append(log, 7 if stop == 11 else stop, stop)
            await runner.position.reached(stop, PATIENCE)
        assert await rows(database) == list(range(1, written + 1))


async def test_rows_that_are_behind_are_written_when_nothing_more_comes(
    database: Database, log: EventLog
) -> None:
    async def all_there() -> bool:
        return await rows(database) == list(range(1, await log.end() + 1))

    async with running(database, log, Names(), behind=1000):
        for first in (1, 4):
            await append(log, first, first + 2)
            assert await until(all_there, "rows to be written")


async def test_it_goes_on_where_it_was_stopped(database: Database, log: EventLog) -> None:
    for stop in (10, 20, 30):
        async with running(database, log, Names()) as runner:
            await runner.position.reached(await append(log, stop - 9, stop), PATIENCE)
    assert await rows(database) == list(range(1, 31))


async def test_an_event_that_cannot_be_applied_stops_it_and_leaves_no_row(
    database: Database, log: EventLog
) -> None:
    await append(log, 1, 5)
    names = Names()
    names.fail_at = 3
    with pytest.raises(RuntimeError, match="can't be applied"):
        await Runner(database, names, log.follow).run()
    assert 3 not in await rows(database)
    async with running(database, log, Names()) as runner:
        await runner.position.reached(5, PATIENCE)
    assert await rows(database) == [1, 2, 3, 4, 5]


async def test_a_killed_server_neither_loses_nor_doubles_a_row(
    database: Database, log: EventLog, nats_process: NatsServer
) -> None:
    async with running(database, log, Names()) as runner:
        for first in (1, 21, 41):
            seq = await append(log, first, first + 19)
            nats_process.stop()
            nats_process.start()
        await runner.position.reached(seq, PATIENCE)
    assert await rows(database) == list(range(1, 61))


async def test_waiting_for_a_place_that_is_not_reached_ends(
    database: Database, log: EventLog
) -> None:
    async with running(database, log, Names()) as runner:
        with pytest.raises(TimeoutError):
            await runner.position.reached(1, 0.05)
