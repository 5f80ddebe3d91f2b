"""What schedules, continuous tasks and retries do over time, on the platform as it is."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from libs.domain.events import RunFinished, RunRequested, TaskPaused, TaskResumed
from libs.eventlog.envelope import Recorded
from tests.history.ticks import accounted
from tests.platform import Api, Platform, example, until

EVERY_SECOND = "* * * * * *"
HELLO = {"main.py": "print('hello')"}
FAILS = {"main.py": "raise SystemExit(1)"}
SLOW = {"main.py": "import time; time.sleep(1.2)"}


async def test_no_tick_of_a_pause_is_ever_run(platform: Platform, client: Api) -> None:
    orchestration = await client.ready(HELLO)
    task = await client.run(orchestration, "scheduled", schedule=EVERY_SECOND)
    await client.ended(task)
    answer = await client.post("task/pause", {"id": task, "pause": True})
    assert answer["status"] in ("pending_pause", "paused")
    await until(lambda: has_status(client, task, "paused"))
    await passed(datetime.now(UTC) + timedelta(seconds=2))
    before = len(await client.runs(task))
    await client.post("task/pause", {"id": task, "pause": False})
    await until(lambda: has_status(client, task, "started"))
    await client.ended(task, before + 1)
    await client.post("task/kill", {"id": task})
    events = await platform.events()
    [paused] = [fact.at for fact in of(events, task) if isinstance(fact.event, TaskPaused)]
    [resumed] = [fact.at for fact in of(events, task) if isinstance(fact.event, TaskResumed)]
    assert resumed - paused > timedelta(seconds=2)
    ticks = [event.scheduled_at for event in requests(events, task)]
    assert min(ticks) < paused
    assert max(ticks) > resumed
    assert not [tick for tick in ticks if paused < tick <= resumed]
    assert list(accounted(of(events, task))) == []


async def test_a_failing_continuous_task_waits_longer_each_time(
    platform: Platform, client: Api
) -> None:
    task = await client.run(await client.ready(FAILS), "continuously")
    await client.ended(task, 3)
    await client.post("task/kill", {"id": task})
    events = of(await platform.events(), task)
    ends = [fact.at for fact in events if isinstance(fact.event, RunFinished)]
    starts = [fact.at for fact in events if isinstance(fact.event, RunRequested)]
    assert starts[1] - ends[0] >= timedelta(seconds=1)
    assert starts[2] - ends[1] >= timedelta(seconds=2)


async def test_a_continuous_task_runs_again_and_again(client: Api) -> None:
    task = await client.run(await client.ready(HELLO), "continuously")
    runs = await client.ended(task, 3)
    await client.post("task/kill", {"id": task, "keep_logs": True})
    assert {run["status"] for run in runs} == {"success"}
    assert await client.lines(runs[0]["run_id"]) == ["hello"]


async def test_retries_stop_after_the_last_attempt(client: Api) -> None:
    orchestration = await client.ready(example("flaky"))
    bad_luck = {"chance_of_failure": 1.0}
    task = await client.run(orchestration, json=bad_luck, retry={"attempts": 3, "backoff": 0.1})
    runs = await client.ended(task, 3)
    assert [(run["attempt"], run["status"]) for run in runs] == [
        (attempt, "failure") for attempt in (1, 2, 3)
    ]
    # By the time that another task has run and failed, a fourth attempt would be there.
    await client.ended(await client.run(orchestration, json=bad_luck))
    assert len(await client.runs(task)) == 3


async def test_overlap_is_skipped_or_queued(platform: Platform, client: Api) -> None:
    orchestration = await client.ready(SLOW)

    async def three_runs(overlap: str) -> str:
        task = await client.run(orchestration, "scheduled", schedule=EVERY_SECOND, overlap=overlap)
        await client.ended(task, 3)
        await client.post("task/kill", {"id": task})
        return task

    skipping, queueing = await asyncio.gather(three_runs("skip"), three_runs("queue"))
    events = await platform.events()
    for task in (skipping, queueing):
        turns = [
            type(fact.event)
            for fact in of(events, task)
            if isinstance(fact.event, RunRequested | RunFinished)
        ]
        assert turns[:6] == [RunRequested, RunFinished] * 3
        assert list(accounted(of(events, task))) == []
    assert all(tick > busy for busy, tick in ends_and_ticks(events, skipping))
    assert all(tick <= busy for busy, tick in ends_and_ticks(events, queueing))


def ends_and_ticks(events: list[Recorded], task: str) -> list[tuple[datetime, datetime]]:
    """When a run ended, and the tick of the run that came next."""
    turns = [f for f in of(events, task) if isinstance(f.event, RunRequested | RunFinished)]
    return [
        (end.at, asked.event.scheduled_at)
        for end, asked in pairwise(turns)
        if isinstance(asked.event, RunRequested)
    ]


def of(events: list[Recorded], task: str) -> list[Recorded]:
    """The events of a task and of its runs."""
    runs = {
        fact.stream.id
        for fact in events
        if isinstance(fact.event, RunRequested) and fact.event.task == UUID(task)
    }
    return [fact for fact in events if fact.stream.id in runs | {task}]


def requests(events: list[Recorded], task: str) -> list[RunRequested]:
    return [fact.event for fact in of(events, task) if isinstance(fact.event, RunRequested)]


async def has_status(client: Api, task: str, status: str) -> bool:
    return bool((await client.task(task))["status"] == status)


async def passed(instant: datetime) -> None:
    """Returns once it is `instant`."""

    async def later() -> bool:
        return datetime.now(UTC) >= instant

    await until(later, f"it to be {instant}")
