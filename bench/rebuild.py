"""Projections from zero, each alone, off a log that is full: events a second, until the rows can
be read by index. Yardsticks of the same run: COPY of the same rows, and decoding the bodies."""

import asyncio
import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from bench.figure import Figure
from bench.footprint import cpu_seconds
from bench.stack import Stores
from libs.domain import events
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog
from libs.eventlog.project import Projection, Runner
from libs.postgres import pool
from libs.postgres.migrate import migrate
from services.api.read_model import projection as views
from services.logs import ingest
from services.logs.arrivals import Arrivals
from services.logs.runs import RunsProjection
from services.scheduler import plan_projection
from services.scheduler.plan import Plan

PATIENCE = 1200.0
SAMPLE = 100_000
TARGET = 50_000


@dataclass(frozen=True)
class Rebuilt:
    """A service's view: how to make it, and which of its tables the log's events become."""

    what: str
    package: str
    schema: str
    projection: Callable[[], Projection[Recorded]]
    tables: tuple[str, ...]
    tables_only: int | None = None


VIEWS = (
    Rebuilt(
        "api views",
        "services.api.read_model",
        views.SCHEMA,
        views.ViewsProjection,
        ("orchestration", "task", "run"),
        tables_only=views.TABLES_ONLY,
    ),
    Rebuilt(
        "scheduler plan",
        "services.scheduler",
        plan_projection.SCHEMA,
        lambda: plan_projection.PlanProjection(Plan(), lambda: None),
        ("plan",),
    ),
    Rebuilt(
        "logs' runs",
        "services.logs",
        ingest.SCHEMA,
        lambda: RunsProjection(Arrivals()),
        ("run",),
    ),
)


async def figures(stores: Stores, end: int) -> list[Figure]:
    """Of a log whose last event has the sequence `end`. The rows stay."""
    decoded = await _decoding(EventLog(stores.nats))
    found = []
    for one in VIEWS:
        own, all_of_us = time.process_time(), cpu_seconds(os.getpid())
        seconds = await _rebuild(stores, one, end)
        own = time.process_time() - own
        rest = cpu_seconds(os.getpid()) - all_of_us - own
        copied = await _copying(stores.dsn, one)
        rate = end / seconds
        name, target = f"rebuild of {one.what}", f">= {TARGET}/s"
        yardstick = (
            f"CPU of an event {own / end * 1e6:.1f} µs here, {rest / end * 1e6:.1f} in the stores;"
            f" COPY of its rows {end / copied:.0f} events/s; decoding the bodies, 1/s"
        )
        met = rate >= TARGET
        found.append(Figure(name, rate, "1/s", target, met, yardstick, decoded))
    return found


async def _rebuild(stores: Stores, one: Rebuilt, end: int) -> float:
    log = EventLog(stores.nats)
    gc.freeze()  # what else this process has in memory a service has not
    async with pool.connect(stores.dsn, one.schema, durable=True) as database:
        begun = time.perf_counter()
        await migrate(database, one.package, one.tables_only)
        runner = Runner(database, one.projection(), log.follow)
        running = asyncio.create_task(runner.run())
        reached = asyncio.create_task(runner.position.reached(end, PATIENCE))
        try:
            await asyncio.wait((running, reached), return_when=asyncio.FIRST_COMPLETED)
            reached.result()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        await migrate(database, one.package)
        return time.perf_counter() - begun


async def _copying(dsn: str, one: Rebuilt) -> float:
    """Seconds of COPY of the same rows, from memory to tables without an index."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": one.schema})
    try:
        seconds = 0.0
        for table in one.tables:
            rows = list(map(tuple, await connection.fetch(f"TABLE {table}")))
            await connection.execute(f"CREATE TEMP TABLE copied_{table} (LIKE {table})")
            begun = time.perf_counter()
            await connection.copy_records_to_table(f"copied_{table}", records=rows)
            seconds += time.perf_counter() - begun
        return seconds
    finally:
        await connection.close()


async def _decoding(log: EventLog) -> float:
    """Bodies that one loop decodes a second, and nothing else."""
    bodies: list[bytes] = []
    async for batch in log.follow(0):
        bodies += [events.encode(fact.event) for fact in batch]
        if len(bodies) >= SAMPLE or batch[-1].seq >= await log.end():
            break
    begun = time.perf_counter()
    for body in bodies:
        events.decode(body)
    return len(bodies) / (time.perf_counter() - begun)
