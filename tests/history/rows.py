"""I4: the rows of a platform that has lived through anything equal those of a replay."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

from libs.domain.errors import Unavailable
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog
from libs.eventlog.project import Projection, Runner
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.postgres.pool import Database
from services.api.read_model import projection as views
from services.api.read_model.projection import ViewsProjection
from services.scheduler import plan_projection
from services.scheduler.plan import Plan
from services.scheduler.plan_projection import PlanProjection
from tests.platform import PATIENCE, Platform, until


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
    """0 while the service that makes it is on its way."""
    try:
        if await database.fetchval("SELECT to_regclass($1)", f"{schema}.checkpoint") is None:
            return 0
        return int(await database.fetchval(f"SELECT max(seq) FROM {schema}.checkpoint") or 0)  # noqa: S608
    except Unavailable:  # Postgres is being restarted
        return 0


Made = Callable[[], Projection[Recorded]]
SERVED: dict[str, tuple[str, Made]] = {
    views.SCHEMA: ("services.api.read_model", ViewsProjection),
    plan_projection.SCHEMA: ("services.scheduler", lambda: PlanProjection(Plan(), lambda: None)),
}


async def equal_a_replay(platform: Platform) -> None:
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
