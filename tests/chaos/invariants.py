"""What must hold whatever was killed and when: each function fails with what it found broken."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from libs.domain import schedule as schedules
from libs.domain.errors import Unavailable
from libs.domain.events import (
    RunFinished,
    RunRequested,
    RunStarted,
    Schedule,
    TaskCreated,
    TaskResumed,
    TaskStarted,
)
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog
from libs.eventlog.project import Projection, Runner
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.postgres.pool import Database
from services.api import views
from services.api.views import Views
from services.scheduler import due
from services.scheduler.due import Due
from services.scheduler.plan import Plan
from tests.platform import PATIENCE, Api, Platform, until

BEGIN = "begin"  # the first line of scripts whose log is checked


def runs_started_once(events: Sequence[Recorded]) -> None:
    """I2, in the log: at most one RunStarted a run."""
    started = Counter(fact.stream.id for fact in events if isinstance(fact.event, RunStarted))
    assert not [run for run, times in started.items() if times > 1]


def runs_ended(events: Sequence[Recorded]) -> None:
    """I6: every run that was asked for has exactly one end."""
    asked = {fact.stream.id for fact in events if isinstance(fact.event, RunRequested)}
    ends = Counter(fact.stream.id for fact in events if isinstance(fact.event, RunFinished))
    assert dict.fromkeys(asked, 1) == dict(ends)


def ticks_accounted_for(events: Sequence[Recorded]) -> None:
    """I3: every tick of a schedule has one RunRequested, or is counted in the next one's."""
    schedule: dict[UUID, Schedule] = {}
    last: dict[UUID, datetime] = {}
    for fact in events:
        match fact.event:
            case TaskCreated(schedule=Schedule() as kept):
                schedule[UUID(fact.stream.id)] = kept
            case TaskStarted() | TaskResumed():
                last[UUID(fact.stream.id)] = fact.at
            case RunRequested(task=task, attempt=1) as tick if task in schedule:
                found = ticks_between(schedule[task], last[task], tick.scheduled_at)
                assert len(found) == tick.missed + 1, (task, last[task], tick)
                last[task] = tick.scheduled_at


def ticks_between(schedule: Schedule, after: datetime, last: datetime) -> list[datetime]:
    """The instants of the schedule from `after`, itself left out, up to and with `last`."""
    found: list[datetime] = []
    tick = schedules.next_after(schedule, after)
    while tick is not None and tick <= last:
        found.append(tick)
        tick = schedules.next_after(schedule, tick)
    return found


async def logs_complete_and_begun_once(client: Api, events: Sequence[Recorded]) -> None:
    """I5 and I2: as many lines as the end says, and the script began at most once in them."""
    for fact in events:
        if not isinstance(fact.event, RunFinished):
            continue
        end, log = fact.event, await client.log(fact.stream.id)
        begun = sum(line.split(" ", 3)[3].startswith(BEGIN) for line in log["logs"])
        assert begun == 1 if end.status == "success" else begun <= 1, (fact.stream.id, log)
        if end.lines is not None:
            assert len(log["logs"]) == end.lines, fact.stream.id
            assert log["complete"]


async def quiet(platform: Platform) -> int:
    """Once the views of both services are where the log ends; gives that place."""
    async with platform.nats() as nats, pool.connect(platform.dsn, "public", size=1) as database:
        log = EventLog(nats)

        async def all_there() -> int:
            end = await log.end()
            places = [await checkpoint(database, schema) for schema in SERVED]
            return end if places == [end, end] else 0

        return await until(all_there, "views to reach the log's end")


async def checkpoint(database: Database, schema: str) -> int:
    try:
        return int(await database.fetchval(f"SELECT max(seq) FROM {schema}.checkpoint") or 0)  # noqa: S608
    except Unavailable:  # it is being restarted
        return 0


Made = Callable[[], Projection[Recorded]]
SERVED: dict[str, tuple[str, Made]] = {
    views.SCHEMA: ("services.api", Views),
    due.SCHEMA: ("services.scheduler", lambda: Due(Plan(), lambda: None)),
}


async def rows_equal_a_replay(platform: Platform) -> None:
    """I4: reading the log from its start gives the rows that living through it has given."""
    end = await quiet(platform)
    for schema, (package, projection) in SERVED.items():
        other = f"replay_{uuid4().hex}"
        async with pool.connect(platform.dsn, other, size=2) as database, platform.nats() as nats:
            await migrate(database, package)
            await replay(Runner(database, projection(), EventLog(nats).follow), end)
        lived, replayed = await rows(platform, schema), await rows(platform, other)
        assert lived == replayed
        assert sum(map(len, lived.values())) > 0


async def replay(runner: Runner[Recorded], end: int) -> None:
    running = asyncio.create_task(runner.run())
    try:
        await runner.position.reached(end, PATIENCE)
    finally:
        running.cancel()


async def rows(platform: Platform, schema: str) -> dict[str, list[str]]:
    """Every row of every table, as text; but not when the migrations were applied, nor which
    stream the rows are of."""
    tables = (
        "SELECT tablename FROM pg_tables WHERE schemaname = $1"
        " AND tablename NOT IN ('migration', 'origin')"
    )
    async with pool.connect(platform.dsn, schema, size=1) as database:
        return {
            table: [row[0] for row in await database.fetch(_ROWS.format(schema, table))]
            for (table,) in await database.fetch(tables, schema)
        }


_ROWS = "SELECT row::text FROM {}.{} AS row ORDER BY 1"
