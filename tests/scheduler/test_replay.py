"""I4: the plan's rows and the plan in memory are functions of the log, however it came in."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from libs.domain.events import Event
from libs.eventlog.envelope import Recorded
from libs.eventlog.project import Runner
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.postgres.pool import Database
from services.scheduler import decide
from services.scheduler.plan import Plan
from services.scheduler.plan_items import KINDS
from services.scheduler.plan_projection import SCHEMA, PlanProjection
from tests.power import drawn
from tests.scheduler.lives import ACTIONS, TASKS, Action, life
from tests.scheduler.story import Story
from tests.servers import PostgresServer

Rows = list[tuple[str, str, bytes]]
BATCHES = st.lists(st.integers(1, 40), min_size=1, max_size=8)


async def play(database: Database, facts: Sequence[Recorded], sizes: Sequence[int]) -> Plan:
    """Runs the projection over the facts in batches of these sizes, again and again; gives the
    plan that it has in memory at the end."""

    async def follow(after: int) -> AsyncIterator[list[Recorded]]:
        number = 0
        while after < len(facts):
            size = sizes[number % len(sizes)]
            yield list(facts[after : after + size])
            after, number = after + size, number + 1

    plan = Plan()
    await Runner(database, PlanProjection(plan, lambda: None), follow).run()
    return plan


async def rows(database: Database) -> Rows:
    rows = await database.fetch("SELECT kind, id::text, state FROM plan ORDER BY kind, id")
    return [(row["kind"], row["id"], row["state"]) for row in rows]


async def forget(database: Database) -> None:
    await database.execute("TRUNCATE plan, checkpoint")


def decisions(plan: Plan, story: Story) -> list[Event]:
    """What the plan would have appended a minute later."""
    later = story.now + timedelta(minutes=1)
    return [step.proposed.event for id in TASKS for step in decide.steps(plan, id, later, None)]


def assert_same(plan: Plan, story: Story) -> None:
    for kind in KINDS:
        assert plan.table(kind) == story.plan.table(kind)
    assert decisions(plan, story) == decisions(story.plan, story)


async def check(database: Database, actions: list[Action], sizes: list[int], cut: int) -> None:
    story = life(actions)
    facts = story.facts
    await forget(database)
    assert_same(await play(database, facts, [len(facts)]), story)
    at_once = await rows(database)

    await forget(database)
    assert_same(await play(database, facts, sizes), story)
    assert await rows(database) == at_once

    await forget(database)
    await play(database, facts[: cut % len(facts)], sizes)
    assert_same(await play(database, facts, sizes), story)  # a restart: loaded, then followed
    assert await rows(database) == at_once

    assert_same(await play(database, facts, sizes), story)  # loaded, and nothing new


def test_i4_rows_are_a_function_of_the_log(postgres: PostgresServer) -> None:
    """In one batch, in batches of any sizes, with a restart at any place: the same bytes, the
    same plan, the same decisions."""
    with asyncio.Runner() as runner:
        dsn = runner.run(postgres.new_database(f"test_{uuid4().hex}"))
        opened = pool.connect(dsn, SCHEMA, size=2)
        database = runner.run(opened.__aenter__())
        runner.run(migrate(database, "services.scheduler"))

        @drawn(25)
        @given(actions=ACTIONS, sizes=BATCHES, cut=st.integers(0, 200))
        def holds(actions: list[Action], sizes: list[int], cut: int) -> None:
            runner.run(check(database, actions, sizes, cut))

        holds()
        runner.run(opened.__aexit__(None, None, None))
