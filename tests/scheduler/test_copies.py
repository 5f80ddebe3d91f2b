"""I3 with real servers: several schedulers at once, restarts, faults. Every draw is seeded."""

import asyncio
import random
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.domain.errors import Unavailable
from libs.domain.events import RunRequested
from libs.domain.values import Misfire
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.nats_client import Nats
from services.scheduler import decide, ticker
from services.scheduler.plan import HEAD_START
from tests.scheduler.copies import (
    SECOND,
    TIMEOUT_SECONDS,
    Copy,
    accounted,
    copy,
    everything,
    order,
    take_charge,
)
from tests.scheduler.story import ONCE, TASK, every, ticks
from tests.servers import NatsServer

MISFIRES: list[Misfire] = ["latest", "all", "none"]


def later(now: datetime, dice: random.Random) -> datetime:
    """Mostly the next tick, sometimes none, sometimes several, sometimes many."""
    return now + dice.choice([0.3, 1, 1, 1, 1.7, 3, 12]) * SECOND


async def finish_on_time(one: Copy, log: EventLog, since: datetime, now: datetime) -> None:
    """On time for the next tick nothing may be left over."""
    last = now.replace(microsecond=0) + SECOND
    await one.tick(last)
    assert await accounted(log, since) == last


@pytest.mark.parametrize("misfire", MISFIRES)
async def test_i3_two_schedulers_at_once_lose_and_double_nothing(
    nats_process: NatsServer, log: EventLog, dsn: str, misfire: Misfire
) -> None:
    dice = random.Random(f"two {misfire}")
    await order(log, every(1, misfire=misfire))
    async with copy(nats_process.url, dsn) as one, copy(nats_process.url, dsn) as two:
        now = since = await take_charge(one)
        await two.catch_up()
        for _ in range(40):
            now = later(now, dice)
            awake = dice.choice([[one], [two], [one, two], [two, one]])
            await asyncio.gather(*(each.tick(now) for each in awake))
            if dice.random() < 0.3:
                await asyncio.gather(one.catch_up(), two.catch_up())
        await finish_on_time(two, log, since, now)


@pytest.mark.parametrize("misfire", MISFIRES)
async def test_i3_two_schedulers_that_count_the_same_gap_from_both_sides_of_a_tick(
    nats_process: NatsServer, log: EventLog, dsn: str, misfire: Misfire
) -> None:
    await order(log, every(1, misfire=misfire, misfire_cap=5))
    async with copy(nats_process.url, dsn) as one, copy(nats_process.url, dsn) as two:
        now = since = await take_charge(one)
        await two.catch_up()
        for _ in range(8):
            await asyncio.gather(one.tick(now + 9 * SECOND), two.tick(now + 10 * SECOND))
            now += 10 * SECOND
            await asyncio.gather(one.catch_up(), two.catch_up())
        await finish_on_time(two, log, since, now)


@pytest.mark.parametrize("misfire", MISFIRES)
async def test_i3_a_scheduler_stopped_anywhere_and_started_again_goes_on(
    nats_process: NatsServer, log: EventLog, dsn: str, misfire: Misfire
) -> None:
    """Stopped in the middle of a pass, after some steps of the event loop."""
    dice = random.Random(f"restart {misfire}")
    await order(log, every(1, misfire=misfire))
    async with copy(nats_process.url, dsn) as first:
        now = since = await take_charge(first)
    for _ in range(8):
        async with copy(nats_process.url, dsn) as one:
            for _ in range(dice.randrange(4)):
                now = later(now, dice)
                await one.tick(now)
            now = later(now, dice)
            dying = asyncio.create_task(one.tick(now))
            for _ in range(dice.randrange(30)):
                await asyncio.sleep(0)
            dying.cancel()
            await asyncio.wait([dying])
    async with copy(nats_process.url, dsn) as last:
        await finish_on_time(last, log, since, now)


async def test_i3_the_broker_killed_during_passes(
    nats_process: NatsServer, log: EventLog, dsn: str
) -> None:
    dice = random.Random("broker")
    await order(log, every(1, misfire="all"))
    async with copy(nats_process.url, dsn) as one, copy(nats_process.url, dsn) as two:
        now = since = await take_charge(one)
        await two.catch_up()
        for _ in range(4):
            now = later(now, dice)
            passes = asyncio.gather(one.tick(now), two.tick(now))
            for _ in range(dice.randrange(30)):
                await asyncio.sleep(0)
            nats_process.stop()
            nats_process.start()
            await passes
        last = now.replace(microsecond=0) + SECOND
        async with asyncio.timeout(
            TIMEOUT_SECONDS
        ):  # a server that has just started may refuse a pass
            while await accounted(log, since) < last:
                await one.tick(last)


class Refusing(EventLog):
    """The real log, but for the first run that it is asked to take."""

    def __init__(self, nats: Nats) -> None:
        super().__init__(nats)
        self.refuses = True

    async def append(self, proposed: Proposed, context: Context, right_after: str = "") -> int:
        if self.refuses and isinstance(proposed.event, RunRequested):
            self.refuses = False
            raise Unavailable("refused by the test")
        return await super().append(proposed, context, right_after)


async def test_i3_a_tick_that_can_not_be_appended_holds_back_those_after_it(
    nats_process: NatsServer, log: EventLog, dsn: str
) -> None:
    await order(log, every(1, misfire="all"))
    async with copy(nats_process.url, dsn, Refusing) as one:
        since = await take_charge(one)
        now = since.replace(microsecond=0) + 3 * SECOND
        await one.tick(now)
        assert ticks([fact.event for fact in await everything(log)]) == []
        await one.tick(now)
        assert await accounted(log, since) == now


async def test_a_scheduler_knows_what_it_asked_for_before_it_comes_back(
    nats_process: NatsServer, log: EventLog, dsn: str
) -> None:
    """While Postgres is away, say: a run is open though the plan has not heard of it."""
    await order(log, every(1, overlap="skip"))
    async with copy(nats_process.url, dsn) as one:
        first = (await take_charge(one)).replace(microsecond=0) + SECOND
        await one.stop_following()
        for number in range(3):
            await one.tick(first + number * SECOND)
    requested = [fact.event for fact in await everything(log) if fact.stream.aggregate == "run"]
    assert requested == [RunRequested(task=TASK, scheduled_at=first)]


async def test_i2_many_run_once_tasks_are_each_asked_for_once_by_two_schedulers(
    nats_process: NatsServer, log: EventLog, dsn: str
) -> None:
    """More than fit into one batch, so that one scheduler's batches break on the other's."""
    tasks = await run_once(log, 250)
    async with copy(nats_process.url, dsn) as one, copy(nats_process.url, dsn) as two:
        now = datetime.now(UTC) + HEAD_START
        await asyncio.gather(one.tick(now), two.tick(now))
    assert await requested_tasks(log) == tasks


async def test_i2_a_batch_that_breaks_on_one_task_does_not_keep_the_others(
    nats_process: NatsServer, log: EventLog, dsn: str
) -> None:
    tasks = await run_once(log, 10)
    async with copy(nats_process.url, dsn) as one, copy(nats_process.url, dsn) as two:
        await two.stop_following()
        one.plan.woken = {tasks[5]}
        now = datetime.now(UTC) + HEAD_START
        await one.tick(now)
        assert await requested_tasks(log) == [tasks[5]]
        await two.tick(now)
    assert await requested_tasks(log) == tasks


async def run_once(log: EventLog, count: int) -> list[UUID]:
    tasks = sorted(uuid4() for _ in range(count))
    for id in tasks:
        await order(log, ONCE, id)
    return tasks


async def requested_tasks(log: EventLog) -> list[UUID]:
    """The task of every RunRequested in the log."""
    events = [fact.event for fact in await everything(log)]
    return sorted(event.task for event in events if isinstance(event, RunRequested))


async def test_a_schedule_fires_by_itself_on_time(
    nats_process: NatsServer, log: EventLog, dsn: str
) -> None:
    await order(log, every(1))
    async with copy(nats_process.url, dsn) as one, asyncio.timeout(20):
        running = asyncio.create_task(one.ticker.run())
        requests: list[tuple[datetime, RunRequested]] = []
        async for batch in log.follow(0, ("event.*.run.*",)):
            requests += [
                (fact.at, fact.event) for fact in batch if isinstance(fact.event, RunRequested)
            ]
            if len(requests) >= 2:
                break
        running.cancel()
        await asyncio.wait([running])
    assert all(at >= event.scheduled_at for at, event in requests)
    assert requests[1][1].scheduled_at - requests[0][1].scheduled_at == SECOND * (
        requests[1][1].missed + 1
    )


async def test_a_long_absence_is_made_up_for_part_by_part(
    nats_process: NatsServer, log: EventLog, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many tasks that want all that they missed, no more is in mind than is soon sent."""
    tasks = [TASK, *(uuid4() for _ in range(11))]
    plan = every(1, misfire="all", misfire_cap=500, expression="* * * * * *")
    decided, most = 0, 0

    def counted(*given: Any) -> list[decide.Step]:
        nonlocal decided
        steps = decide.steps(*given)
        decided += len(steps)
        return steps

    class Counting(EventLog):
        async def append_batch(self, events: Any) -> int:
            nonlocal decided, most
            most, decided = max(most, decided), decided - len(events)
            return await super().append_batch(events)

    for id in tasks:
        await order(log, plan, id)
    async with copy(nats_process.url, dsn, Counting) as one:
        now = await take_charge(one)
        monkeypatch.setattr(ticker, "decide", SimpleNamespace(**vars(decide) | {"steps": counted}))
        await one.tick(now + 300 * SECOND)
    runs = [fact.event for fact in await everything(log) if isinstance(fact.event, RunRequested)]
    assert len(runs) == 12 * 300
    assert most <= 2000 + 300
