"""Copies of the scheduler on real servers, in this process, with the test's clock.

Events carry the real time at which they are appended; the ticks of a copy go by the `now` that
the test gives, which runs ahead of it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from libs.domain.events import RunRequested, TaskCreated, TaskStarted
from libs.domain.ids import orchestration_stream, run_id, run_stream, task_stream
from libs.eventlog import nats_client
from libs.eventlog.envelope import Context, Recorded
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.nats_client import Nats
from libs.eventlog.project import Runner
from libs.postgres import pool
from libs.postgres.migrate import migrate
from services.scheduler.plan import Plan
from services.scheduler.plan_projection import SCHEMA, PlanProjection
from services.scheduler.ticker import Ticker
from tests.scheduler.story import ORCHESTRATION, READY, TASK, UPLOADED
from tests.servers import TOKEN

HERE = Context(source="test", actor="ann")
SECOND = timedelta(seconds=1)
TIMEOUT_SECONDS = 20.0


class Copy:
    def __init__(self, nats: Nats, database: pool.Database, log: EventLog) -> None:
        self.nats = nats
        self.log = log
        self.plan = Plan()
        self.ticker = Ticker(log, self.plan, lambda: datetime.now(UTC), self.catch_up)
        self.runner = Runner(database, PlanProjection(self.plan, self.ticker.wake), log.follow)
        self._following = asyncio.create_task(self.runner.run())

    async def stop_following(self) -> None:
        """From here on the plan learns nothing."""
        self._following.cancel()
        await asyncio.wait([self._following])

    async def catch_up(self) -> None:
        await self.runner.position.reached(await self.log.end(), TIMEOUT_SECONDS)

    async def tick(self, now: datetime) -> None:
        await self.ticker.tick(now)


@asynccontextmanager
async def copy(
    url: str, dsn: str, log: Callable[[Nats], EventLog] = EventLog
) -> AsyncIterator[Copy]:
    """Loaded, following the log, and caught up; gone at once at the end, with all it had open."""
    async with (
        nats_client.connect(url, TOKEN) as nats,
        pool.connect(dsn, SCHEMA, size=2) as database,
    ):
        await migrate(database, "services.scheduler")
        one = Copy(nats, database, log(nats))
        try:
            await one.catch_up()
            yield one
        finally:
            await one.stop_following()


async def order(log: EventLog, task: TaskCreated, id: UUID = TASK) -> None:
    """A task of an orchestration that is ready."""
    if not await log.read(orchestration_stream(1, ORCHESTRATION)):
        stream = orchestration_stream(1, ORCHESTRATION)
        seq = await log.append(Proposed(stream, 0, UPLOADED), HERE)
        await log.append(Proposed(stream, seq, READY), HERE)
    await log.append(Proposed(task_stream(1, id), 0, task), HERE)


async def take_charge(one: Copy) -> datetime:
    """Has the task started; gives since when its ticks count."""
    await one.catch_up()
    await one.tick(datetime.now(UTC))
    started = await one.log.last(task_stream(1, TASK))
    assert started is not None
    assert started.event == TaskStarted()
    await one.catch_up()
    return started.at


async def everything(log: EventLog) -> list[Recorded]:
    """All that is in the log now."""
    facts: list[Recorded] = []
    end = await log.end()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        async for batch in log.follow(0):
            facts += batch
            if facts[-1].seq >= end:
                break
    return facts


async def accounted(log: EventLog, since: datetime) -> datetime:
    """I3 over the log of a task of every second: each tick after `since` is in one RunRequested,
    or in the `missed` of the next one; gives the last. A run has the name of its tick."""
    runs = [fact for fact in await everything(log) if isinstance(fact.event, RunRequested)]
    events = [fact.event for fact in runs if isinstance(fact.event, RunRequested)]
    assert [fact.stream for fact in runs] == [
        run_stream(1, run_id(TASK, event.scheduled_at)) for event in events
    ]
    last = since.replace(microsecond=0)
    for event in sorted(events, key=lambda event: event.scheduled_at):
        assert event.scheduled_at - last == (event.missed + 1) * SECOND
        last = event.scheduled_at
    return last
