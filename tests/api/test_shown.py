"""What pages show: newest first, by page, and only of what is asked for (I8)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from libs.domain.events import RunRequested, TaskKilled
from libs.domain.ids import run_stream, task_stream
from libs.domain.values import Retry
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.postgres.pool import Database
from services.api.read_model import timeline
from services.api.read_model.orchestrations import (
    workload_page,
)
from services.api.read_model.projection import SCHEMA, ViewsProjection
from services.api.read_model.runs import TaskStats, runs_shown, task_stats
from services.api.read_model.tasks import tasks_of
from tests.api.facts import START, Facts

MINE, OTHERS = 1, 2
Project = Callable[[Facts], Awaitable[None]]


@pytest.fixture
async def rows(dsn: str) -> AsyncIterator[Database]:
    async with pool.connect(dsn, SCHEMA, size=1) as database:
        await migrate(database, "services.api.read_model")
        yield database


async def project(rows: Database, facts: Facts, size: int = 7) -> None:
    """In batches that cut through the lives of things."""
    for at in range(0, len(facts.told), size):
        async with rows.transaction() as connection:
            await ViewsProjection().apply(connection, facts.told[at : at + size])


async def statuses(rows: Database) -> dict[UUID, str]:
    return {one.orchestration.id: one.status for one in await workload_page(rows, [MINE, OTHERS])}


async def test_a_workload_is_active_while_a_task_of_it_can_still_run(rows: Database) -> None:
    facts = Facts()
    broken = facts.orchestration(MINE, error="no such package")
    bare, waiting, done, retrying, given_up, killed, going = (
        facts.orchestration(MINE) for _ in range(7)
    )
    facts.task(MINE, waiting)
    facts.run(MINE, facts.task(MINE, done))
    facts.run(MINE, facts.task(MINE, retrying, retry=Retry(attempts=2)), "failure")
    tried = facts.task(MINE, given_up, retry=Retry(attempts=2))
    facts.run(MINE, tried, "failure")
    facts.run(MINE, tried, "timed_out", attempt=2)
    facts.tell(task_stream(MINE, facts.task(MINE, killed, "scheduled")), TaskKilled())
    facts.run(MINE, facts.task(MINE, going, "continuous"), "success")
    await project(rows, facts)
    assert await statuses(rows) == {
        broken: "error",
        bare: "inactive",
        waiting: "active",
        done: "inactive",
        retrying: "active",
        given_up: "inactive",
        killed: "inactive",
        going: "active",
    }
    for status, count in (("active", 3), ("inactive", 4), ("error", 1)):
        found = await workload_page(rows, [MINE], status=status)  # type: ignore[arg-type]
        assert [one.status for one in found] == [status] * count


async def test_workloads_are_found_by_a_part_of_their_name(rows: Database) -> None:
    facts = Facts()
    strasse = facts.orchestration(MINE, "Große Straße\0")
    nameless = facts.orchestration(OTHERS)
    await project(rows, facts)

    async def found(search: str) -> list[UUID]:
        return [
            one.orchestration.id for one in await workload_page(rows, [MINE, OTHERS], search=search)
        ]

    assert await found("E STRASSE") == [strasse]
    assert await found("files") == [nameless]
    assert await found("\0") == [strasse]
    assert await found("%") == []
    assert [one.orchestration.id for one in await workload_page(rows, [MINE])] == [strasse]


async def test_pages_follow_each_other_without_gap_or_overlap(rows: Database) -> None:
    facts = Facts()
    made = [facts.orchestration(workspace) for workspace in (MINE, OTHERS) * 4]
    tasks = [facts.task(MINE, made[0]) for _ in range(5)]
    ran = [facts.run(MINE, task) for task in tasks * 2]
    await project(rows, facts)

    async def all_of(page: Callable[[int | None], Awaitable[list[tuple[UUID, int]]]]) -> list[UUID]:
        before, found = None, list[UUID]()
        while items := await page(before):
            assert len(items) <= 3
            found += [id for id, _ in items]
            before = items[-1][1]
        return found

    async def workloads(before: int | None) -> list[tuple[UUID, int]]:
        page = await workload_page(rows, [MINE, OTHERS], before=before, limit=3)
        return [(one.orchestration.id, one.seq) for one in page]

    async def of_orchestration(before: int | None) -> list[tuple[UUID, int]]:
        page = await tasks_of(rows, made[0], before=before, limit=3)
        return [(one.task.id, one.seq) for one in page]

    async def runs_of(before: int | None) -> list[tuple[UUID, int]]:
        page = await runs_shown(rows, workspaces=[MINE], before=before, limit=3)
        return [(one.run.id, one.seq) for one in page]

    assert await all_of(workloads) == made[::-1]
    assert await all_of(of_orchestration) == tasks[::-1]
    assert await all_of(runs_of) == ran[::-1]


async def test_tasks_are_shown_with_their_last_run(rows: Database) -> None:
    facts = Facts()
    made = facts.orchestration(MINE)
    fresh, ran = facts.task(MINE, made), facts.task(MINE, made, name="n")
    facts.run(MINE, ran, "failure")
    last = facts.run(MINE, ran, None)
    asked = RunRequested(task=ran, scheduled_at=START)
    facts.tell(run_stream(MINE, UUID(int=1)), asked)
    await project(rows, facts)
    first, second = await tasks_of(rows, made)
    assert (first.task.id, first.status, second.task.id) == (ran, "started", fresh)
    assert first.last_run is not None
    assert first.last_run.id == last
    assert (second.status, second.last_run) == ("pending", None)


async def test_runs_are_shown_of_a_workspace_an_orchestration_or_a_task(rows: Database) -> None:
    facts = Facts()
    one, other, foreign = (facts.orchestration(id) for id in (MINE, MINE, OTHERS))
    of_one = facts.task(MINE, one, name="first")
    of_other = facts.task(MINE, other, "continuous")
    good, bad = facts.run(MINE, of_one), facts.run(MINE, of_one, "failure")
    going = facts.run(MINE, of_other, None)
    facts.run(OTHERS, facts.task(OTHERS, foreign))
    await project(rows, facts)

    async def shown(**of: object) -> list[UUID]:
        return [found.run.id for found in await runs_shown(rows, **of)]  # type: ignore[arg-type]

    assert await shown(workspaces=[MINE]) == [going, bad, good]
    assert await shown(orchestration=one) == [bad, good]
    assert await shown(task=of_other) == [going]
    assert await shown(workspaces=[MINE], statuses=["success", "running"]) == [going, good]
    assert await shown(task=of_one, statuses=["failure"]) == [bad]
    assert await shown(workspaces=[]) == []
    [last, *_] = await runs_shown(rows, task=of_one)
    assert (last.task_name, last.task_kind) == ("first", "once")


async def test_a_window_has_all_that_reaches_into_it(rows: Database) -> None:
    facts = Facts()
    task = facts.task(MINE, facts.orchestration(MINE), "continuous")
    ended_before = facts.run(MINE, task, at=0, seconds=99)
    reaches_in = facts.run(MINE, task, at=50, seconds=51)
    spans_it = facts.run(MINE, task, "failure", at=10, seconds=10**9)
    inside = facts.run(MINE, task, at=150, seconds=20)
    goes_on = facts.run(MINE, task, None, at=20)
    at_its_end = facts.run(MINE, task, at=200)
    await project(rows, facts)
    window = (START + timedelta(seconds=100), START + timedelta(seconds=200))

    found = [one.id for one in await timeline.run_bars(rows, MINE, [task], *window)]
    assert found == [spans_it, goes_on, reaches_in, inside]
    assert not {ended_before, at_its_end} & {*found}
    assert [one.id for one in await timeline.tasks_that_ran(rows, MINE, *window, 100)] == [task]
    assert await timeline.tasks_that_ran(rows, OTHERS, *window, 100) == []

    buckets = await timeline.run_buckets(rows, MINE, [task], *window, 30)
    assert [(one.bucket, one.status, one.count, one.total_seconds) for one in buckets] == [
        (0, "failure", 1, 1e9),
        (0, "running", 1, 0),
        (0, "success", 1, 51),
        (1, "success", 1, 20),
    ]


async def test_figures_of_a_task_and_of_a_workspace(rows: Database) -> None:
    facts = Facts()
    made = facts.orchestration(MINE)
    task, idle = facts.task(MINE, made, "continuous"), facts.task(MINE, made)
    facts.run(MINE, task, "killed", seconds=500)
    for seconds in range(1, 10):
        facts.run(MINE, task, "success" if seconds % 3 else "failure", seconds=seconds)
    facts.run(MINE, task, None)
    await project(rows, facts)
    stats = await task_stats(rows, task, 9)
    assert stats == TaskStats({"success": 6, "failure": 3}, 5, 9, 9)
    assert await task_stats(rows, idle, 9) == TaskStats({}, None, None, None)
    counts = {"requested": 0, "timed_out": 0, "running": 1, "killed": 1}
    of_mine = {"workspace": MINE, **counts, "success": 6, "failure": 3}
    assert [dict(row) for row in await rows.fetch("TABLE run_count")] == [of_mine]
    await project(rows, facts, size=3)  # all of it once more, past any checkpoint
    assert [dict(row) for row in await rows.fetch("TABLE run_count")] == [of_mine]
