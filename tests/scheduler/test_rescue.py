"""I6: the runs of an executor that has vanished are closed, once, and only those."""

from collections.abc import AsyncIterator

import pytest

from libs.domain.events import RunFinished, RunRequested, RunStarted, TaskKilled, TaskKillRequested
from libs.domain.ids import run_stream, task_stream
from libs.domain.run_end import executor_lost
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.nats_client import Nats
from libs.eventlog.streams import LEASE
from services.scheduler.rescue import LEASE_TIMEOUT_SECONDS, Rescue
from tests.scheduler.copies import HERE, Copy, copy, everything, order
from tests.scheduler.story import ONCE, START, TASK, end
from tests.servers import NatsServer

RUN = run_stream(1, TASK)
NEARLY = LEASE_TIMEOUT_SECONDS - 0.1


class Clock:
    """What `Rescue` takes for time.monotonic()."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Rescuer:
    """A copy's Rescue, and time that passes as the test says."""

    def __init__(self, one: Copy) -> None:
        self.clock = Clock()
        self.rescue = Rescue(one.nats, one.plan, one.ticker, self.clock)

    async def after(self, seconds: float) -> None:
        self.clock.seconds += seconds
        await self.rescue.tick()


async def claim(log: EventLog, executor: str) -> None:
    """The run of a task that nobody else asks for."""
    requested = RunRequested(task=TASK, scheduled_at=START)
    seq = await log.append(Proposed(RUN, 0, requested), HERE)
    await log.append(Proposed(RUN, seq, RunStarted(executor=executor)), HERE)


async def renew(nats: Nats, executor: str) -> None:
    await nats.request(f"lease.{executor}", headers={"Nats-TTL": "60"})


async def lapse(nats: Nats, executor: str) -> None:
    """What the server does by itself when a lease is not renewed."""
    await nats.api(f"STREAM.PURGE.{LEASE}", {"filter": f"lease.{executor}"})


async def ends(log: EventLog) -> list[RunFinished]:
    return [fact.event for fact in await log.read(RUN) if isinstance(fact.event, RunFinished)]


@pytest.fixture
async def one(nats_process: NatsServer, nats: Nats, dsn: str) -> AsyncIterator[Copy]:
    async with copy(nats_process.url, dsn) as one:
        yield one


async def test_i6_a_vanished_executor_s_run_is_closed_once_by_two_copies(
    nats_process: NatsServer, nats: Nats, log: EventLog, dsn: str, one: Copy
) -> None:
    await renew(nats, "gone")
    await claim(log, "gone")
    async with copy(nats_process.url, dsn) as two:
        await one.catch_up()
        rescuers = [Rescuer(one), Rescuer(two)]
        await lapse(nats, "gone")
        for rescuer in rescuers:
            await rescuer.after(0)
            await rescuer.after(NEARLY)
        assert await ends(log) == []
        for rescuer in rescuers:
            await rescuer.after(0.1)
            await rescuer.after(LEASE_TIMEOUT_SECONDS)
    assert await ends(log) == [executor_lost().ended()]


async def test_i6_who_renews_is_left_alone(nats: Nats, log: EventLog, one: Copy) -> None:
    await claim(log, "alive")
    await one.catch_up()
    rescuer = Rescuer(one)
    await rescuer.after(0)
    await rescuer.after(NEARLY)
    await renew(nats, "alive")
    await rescuer.after(10 * LEASE_TIMEOUT_SECONDS)
    await lapse(nats, "alive")
    await rescuer.after(NEARLY)
    await rescuer.after(NEARLY)
    assert await ends(log) == []


async def test_i6_an_outage_of_nats_condemns_nobody(
    nats_process: NatsServer, nats: Nats, log: EventLog, one: Copy
) -> None:
    """Nobody can renew meanwhile, and the leases are gone with the server's memory. Not even who
    was late when it began."""
    await claim(log, "alive")
    await one.catch_up()
    rescuer = Rescuer(one)
    await rescuer.after(0)
    nats_process.stop()
    await rescuer.after(10 * LEASE_TIMEOUT_SECONDS)
    nats_process.start()
    await log.end()  # we are connected again
    await one.catch_up()
    await rescuer.after(10 * LEASE_TIMEOUT_SECONDS)
    await rescuer.after(NEARLY)
    await renew(nats, "alive")
    await rescuer.after(10 * LEASE_TIMEOUT_SECONDS)
    assert await ends(log) == []


async def test_i6_a_run_that_ended_by_itself_stays_as_it_ended(
    nats: Nats, log: EventLog, one: Copy
) -> None:
    """Its executor's last word was on its way when the executor vanished."""
    await claim(log, "gone")
    await one.catch_up()
    rescuer = Rescuer(one)
    await rescuer.after(0)
    last = await log.last(RUN)
    assert last is not None
    await log.append(Proposed(RUN, last.seq, end()), HERE)
    await rescuer.after(LEASE_TIMEOUT_SECONDS)
    assert await ends(log) == [end()]


async def test_i7_the_kill_of_a_forgotten_task_is_confirmed_once_by_two_copies(
    nats_process: NatsServer, log: EventLog, dsn: str, one: Copy
) -> None:
    await order(log, ONCE)
    stream = task_stream(1, TASK)
    async with copy(nats_process.url, dsn) as two:
        await one.catch_up()
        await one.tick(START.replace(year=2100))
        (run,) = [each for each in await everything(log) if each.stream.aggregate == "run"]
        await log.append(Proposed(run.stream, run.seq, end()), HERE)
        await one.catch_up()
        assert one.plan.tasks == {}
        version = (await log.read(stream))[-1].seq
        await log.append(Proposed(stream, version, TaskKillRequested()), HERE)
        await one.catch_up()
        await two.catch_up()
        await one.tick(START)
        await two.tick(START)
    kinds = [type(fact.event) for fact in await log.read(stream)]
    assert kinds.count(TaskKilled) == 1
