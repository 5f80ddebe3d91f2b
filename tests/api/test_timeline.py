"""The timeline: which tasks ran in a window, their runs in it, and what is to come."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from libs.domain.events import TaskCreated, TaskStarted
from libs.domain.ids import task_stream
from libs.domain.values import Schedule
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.postgres.pool import Database
from services.api.read_model import timeline
from services.api.read_model.projection import SCHEMA, ViewsProjection
from services.api.timeline.queries import MAX_BARS, MAX_TICKS
from tests.api.facts import START, Facts
from tests.api.world import World

MINE, OTHERS = 1, 2
HOUR = timedelta(hours=1)


@pytest.fixture
async def rows(dsn: str) -> AsyncIterator[Database]:
    async with pool.connect(dsn, SCHEMA, size=1) as database:
        await migrate(database, "services.api.read_model")
        yield database


async def project(rows: Database, facts: Facts) -> None:
    async with rows.transaction() as connection:
        await ViewsProjection().apply(connection, facts.told)


async def test_lanes_are_the_tasks_that_ran_in_the_window_the_last_first(rows: Database) -> None:
    facts = Facts()
    orchestration = facts.orchestration(MINE)
    early, often, late, lasting, out = (facts.task(MINE, orchestration) for _ in range(5))
    facts.run(MINE, early, at=10)
    for second in range(300):
        facts.run(MINE, often, at=20 + second, seconds=0.5)
    facts.run(MINE, late, at=3000, seconds=200)
    facts.run(MINE, lasting, at=-5000, seconds=5100)
    facts.run(MINE, out, at=3600)
    facts.run(MINE, out, at=-100, seconds=99)
    facts.run(OTHERS, facts.task(OTHERS, facts.orchestration(OTHERS)), at=100)
    await project(rows, facts)
    found = await timeline.tasks_that_ran(rows, MINE, START, START + HOUR, 40)
    assert [task.id for task in found] == [late, often, early, lasting]
    few = await timeline.tasks_that_ran(rows, MINE, START, START + HOUR, 2)
    assert [task.id for task in few] == [late, often]


async def test_runs_are_told_each_or_counted(rows: Database) -> None:
    facts = Facts()
    task = facts.task(MINE, facts.orchestration(MINE))
    facts.run(MINE, task, at=-50, seconds=60)
    facts.run(MINE, task, "failure", at=100, seconds=2)
    facts.run(MINE, task, "failure", at=110, seconds=4)
    facts.run(MINE, task, None, at=3500)
    facts.run(MINE, task, at=3600)
    await project(rows, facts)
    bars = await timeline.run_bars(rows, MINE, [task], START, START + HOUR)
    assert [(bar.begun - START).total_seconds() for bar in bars] == [-50, 100, 110, 3500]
    assert [bar.status for bar in bars] == ["success", "failure", "failure", "running"]
    assert bars[-1].ended is None
    counted = await timeline.run_buckets(rows, MINE, [task], START, START + HOUR, 360)
    assert [(one.bucket, one.status, one.count, one.total_seconds) for one in counted] == [
        (0, "failure", 2, 6.0),
        (0, "success", 1, 60.0),
        (9, "running", 1, 0.0),
    ]


async def get(world: World, status: int = 200, **query: Any) -> Any:
    path = "/v1/api/timeline"
    answer = await world.service.call("GET", path, world.token, params=query)
    assert answer.status == status, answer.body
    return answer.body


async def test_a_timeline_has_what_ran_and_what_is_to_come(world: World) -> None:
    workspace, task = await world.ready_task(schedule="* * * * * *", name="each second")
    orchestration = (await world.post("task/get_by_id", {"id": str(task)}))["orch_id"]
    nightly = await world.task(workspace, orchestration, schedule="@daily", name="nightly")
    for one in (task, nightly):
        await world.append(task_stream(workspace, one), TaskStarted())
    run = await world.run(workspace, task, "success")
    now = datetime.now(UTC)
    found = await get(
        world, workspace_id=workspace, start=f"{now - HOUR:%FT%TZ}", end=f"{now + 30 * HOUR:%FT%TZ}"
    )
    ran, idle = found["lanes"]
    assert (ran["name"], ran["runs"], ran["bars"][0]["id"]) == ("each second", 1, str(run))
    assert (len(ran["to_come"]), ran["more"]) == (MAX_TICKS, True)
    assert (idle["name"], idle["runs"], idle["more"]) == ("nightly", 0, False)
    assert len(idle["to_come"]) in (1, 2)
    assert not found["limited"]
    past = await get(world, workspace_id=workspace, end=f"{now - HOUR:%FT%TZ}")
    assert past["lanes"] == []


async def test_a_clock_that_is_set_by_quarters_of_an_hour(world: World) -> None:
    year = datetime.now(UTC).year + 1
    plan = {"schedule": "*/15 3 * 4 *", "zone": "Pacific/Chatham"}
    workspace, task = await world.ready_task(**plan)
    await world.append(task_stream(workspace, task), TaskStarted())
    await world.service.caught_up()
    window = {"start": f"{year}-04-01", "end": f"{year}-04-10"}  # its summer ends on a Sunday
    (lane,) = (await get(world, 200, workspace_id=workspace, **window))["lanes"]
    assert len(lane["to_come"]) == MAX_TICKS
    assert lane["to_come"] == sorted(set(lane["to_come"]))


@pytest.mark.parametrize(
    "window",
    [
        {"start": "1970-01-01", "end": "1970-01-03"},
        {"start": "9999-12-30", "end": "9999-12-31T23:59:59.999999Z"},
        {"start": "9998-06-01", "end": "9999-01-01"},
    ],
)
async def test_windows_at_the_ends_of_time(world: World, window: dict[str, str]) -> None:
    workspace, task = await world.ready_task(schedule="* * * * * *", zone="Pacific/Apia")
    await world.append(task_stream(workspace, task), TaskStarted())
    await world.service.caught_up()
    lanes = (await get(world, 200, workspace_id=workspace, **window))["lanes"]
    assert all(not lane["to_come"] for lane in lanes)


async def test_a_lane_with_many_runs_counts_them(world: World) -> None:
    workspace, task = await world.ready_task(schedule="@yearly")
    for _ in range(MAX_BARS + 1):
        await world.run(workspace, task, "failure")
    (lane,) = (await get(world, workspace_id=workspace))["lanes"]
    assert (lane["runs"], lane["bars"]) == (MAX_BARS + 1, [])
    assert sum(one["count"] for one in lane["buckets"]) == MAX_BARS + 1
    assert {one["status"] for one in lane["buckets"]} == {"failure"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"workspace_id": "x"}, "workspace_id: "),
        ({}, "workspace_id: "),
        ({"workspace_id": "1", "start": "soon"}, "start: "),
        ({"workspace_id": "1", "end": "soon"}, "end: "),
        ({"workspace_id": "1", "start": "2026-01-02", "end": "2026-01-01"}, "end: "),
        ({"workspace_id": "1", "start": "1000-01-01", "end": "2026-01-01"}, "end: "),
        ({"workspace_id": "1", "start": "0001-01-01", "end": "0001-01-03"}, "start: "),
    ],
)
async def test_windows_that_are_none(world: World, query: dict[str, str], said: str) -> None:
    assert (await get(world, 400, **query))["msg"].startswith(said)


async def test_members_only(world: World, outsider: World) -> None:
    workspace = await world.workspace()
    await get(world, workspace_id=workspace)
    await get(outsider, 403, workspace_id=workspace)
    await get(outsider, 404, workspace_id=2**40)


@pytest.mark.parametrize("zone", ["localtime", "right/Europe/Berlin", "Factory", "Nowhere/At_All"])
async def test_i4_a_schedule_that_would_be_refused_now_is_shown(world: World, zone: str) -> None:
    """It was taken once, with what it meant then: every 20 minutes of an hour."""
    workspace = await world.workspace()
    orchestration, task = await world.orchestration(workspace), uuid4()
    plan = Schedule(expression="?/20 */30 * * *", zone=zone)
    order = TaskCreated(kind="scheduled", orchestration=orchestration, schedule=plan)
    await world.append(task_stream(workspace, task), order, TaskStarted())
    await world.service.caught_up()
    now = datetime.now(UTC)
    window = {"start": f"{now:%FT%TZ}", "end": f"{now + 48 * HOUR:%FT%TZ}"}
    (lane,) = (await get(world, 200, workspace_id=workspace, **window))["lanes"]
    minutes = [datetime.fromisoformat(text).minute for text in lane["to_come"]]
    assert (len(minutes), set(minutes)) == (6, {0, 20, 40})
    found = await world.post("task/get_by_id", {"id": str(task)})
    assert (found["schedule"], found["status"]) == (plan.expression, "started")
