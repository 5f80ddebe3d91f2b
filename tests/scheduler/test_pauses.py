"""I3 across pauses, on real servers and by the real clock: schedulers that are away, and two."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from libs.domain import task as tasks
from libs.domain.events import RunFinished, RunRequested, RunStarted, TaskKilled
from libs.domain.ids import task_stream
from libs.domain.values import Misfire, Overlap
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.transact import transact
from services.scheduler.plan_items import stream_of
from tests.history.ticks import accounted
from tests.scheduler.copies import HERE, SECOND, Copy, copy, everything, order, take_charge
from tests.scheduler.story import TASK, every
from tests.servers import NatsServer

STREAM = task_stream(1, TASK)


async def passed(instant: datetime) -> None:
    await asyncio.sleep(max(0.0, (instant - datetime.now(UTC)).total_seconds()))


async def ask(log: EventLog, what: str) -> None:
    decide = {
        "pause": tasks.pause,
        "resume": tasks.resume,
        "kill": lambda task: tasks.kill(task, keep_logs=False),
    }[what]
    await transact(log, STREAM, tasks.evolve, decide, HERE)


async def look(one: Copy, times: int = 3) -> None:
    """Until what follows from what is done as well."""
    for _ in range(times):
        await one.catch_up()
        await one.tick(datetime.now(UTC))


async def end_runs(one: Copy) -> None:
    await one.catch_up()
    for id, run in list(one.plan.runs.items()):
        stream, seq = stream_of(run, id), run.version
        if not run.executor:
            seq = await one.log.append(Proposed(stream, seq, RunStarted(executor="one")), HERE)
        end = RunFinished(status="success", reason="exited", lines=0)
        await one.log.append(Proposed(stream, seq, end), HERE)
    await one.catch_up()


async def counts(log: EventLog) -> int:
    """How many ticks are in a run, or in a count."""
    events = [fact.event for fact in await everything(log)]
    requested = sum(1 + event.missed for event in events if isinstance(event, RunRequested))
    return requested + sum(event.missed for event in events if isinstance(event, TaskKilled))


@pytest.mark.parametrize(
    ("misfire", "overlap", "confirmed"),
    [
        ("all", "allow", True),
        ("all", "allow", False),
        ("all", "queue", True),
        ("latest", "skip", True),
        ("latest", "skip", False),
        ("none", "queue", True),
    ],
)
async def test_i3_ticks_before_a_pause_outlive_a_scheduler_that_was_away(
    nats_process: NatsServer,
    log: EventLog,
    dsn: str,
    misfire: Misfire,
    overlap: Overlap,
    confirmed: bool,
) -> None:
    """Three are due when nobody looks, and the task is paused; it is resumed after a scheduler has
    looked, or before."""
    await order(log, every(1, misfire=misfire, overlap=overlap))
    async with copy(nats_process.url, dsn) as first:
        since = await take_charge(first)
    await passed(since.replace(microsecond=0) + 3.1 * SECOND)
    await ask(log, "pause")
    async with copy(nats_process.url, dsn) as one, copy(nats_process.url, dsn) as two:
        if confirmed:
            await asyncio.gather(look(one), look(two))
        await passed(datetime.now(UTC) + SECOND)
        await ask(log, "resume")
        await asyncio.gather(look(one), look(two))
        await end_runs(one)
        await passed((datetime.now(UTC) + SECOND).replace(microsecond=0))
        await asyncio.gather(look(one), look(two))
        await ask(log, "kill")
        await end_runs(one)
        await look(one)
        await end_runs(one)
        await look(one)
    facts = await everything(log)
    assert any(isinstance(fact.event, TaskKilled) for fact in facts)
    assert list(map(str, accounted(facts))) == []
    assert await counts(log) >= 3


async def test_i3_a_stalled_scheduler_hears_of_the_pause_before_it_asks(
    nats_process: NatsServer, log: EventLog, dsn: str
) -> None:
    """It wakes with ticks to ask for and the pause unread; those after the pause are not asked
    for, as they would be by the time on its clock alone."""
    await order(log, every(1, misfire="all"))
    async with copy(nats_process.url, dsn) as one:
        await take_charge(one)
        await one.tick(datetime.now(UTC))
        await passed(datetime.now(UTC) + SECOND)
        await ask(log, "pause")
        paused = datetime.now(UTC)
        await one.tick(paused + timedelta(minutes=1))
    events = [fact.event for fact in await everything(log)]
    ticks = [event.scheduled_at for event in events if isinstance(event, RunRequested)]
    assert ticks
    assert max(ticks) <= paused
