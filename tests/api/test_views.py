"""I4: rows are a function of the log; replayed, redelivered or lived through, byte for byte."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from libs.domain.events import RunStarted
from libs.domain.ids import run_stream, stream_of
from libs.eventlog.envelope import Context, Recorded
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.nats_client import Nats
from libs.eventlog.project import Runner
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.postgres.pool import Database
from services.api.read_model.projection import SCHEMA, TABLES, TABLES_ONLY, ViewsProjection
from tests.api.service import running
from tests.api.world import World
from tests.golden.inference_examples import INFERENCE_EXAMPLES, INFERENCE_HISTORIES
from tests.servers import NatsServer, PostgresServer

Batches = Sequence[list[Recorded]]


async def lived(world: World) -> None:
    """A bit of everything."""
    workspace, once = await world.ready_task(json={"b": [1.5, "\0", None], "a": 10**25})
    await world.run(workspace, once, "success", lines=3)
    await world.run(workspace, once)
    scheduled = await world.task(
        workspace, await world.orchestration(workspace), schedule="@daily", overlap="skip"
    )
    await world.post("task/pause", {"id": str(scheduled), "pause": True}, 202)
    await world.post("task/kill", {"id": str(once)}, 202)
    await world.killed(workspace, once)
    for _ in range(3):  # in no order of their ids
        await world.add_member(workspace, uuid4())
    order = {"name": f"c-{uuid4()}", "type": "X", "details": {"password": "p"}}
    made = await world.post("connections/create", order)
    attachment = {"workspace_id": workspace, "connection_id": made["id"]}
    await world.post("connections/add_to_workspace", attachment)
    await world.post("connections/delete", {"name": order["name"]}, 204)
    await world.post("connections/create", order)
    await world.upload(workspace)
    await served(world, workspace)


async def served(world: World, workspace: int) -> None:
    """Models and pipelines that come, change, go, and come again."""
    again = [
        [*INFERENCE_HISTORIES["pipeline-deleted"], "PipelineCreated"],
        [*INFERENCE_HISTORIES["deployment-failed-and-undeployed"], "DeploymentRequested"],
    ]
    for life in (*INFERENCE_HISTORIES.values(), *again):
        id = uuid4()
        for name in life:
            stream, event = INFERENCE_EXAMPLES[name]
            await world.append(stream_of(stream.aggregate, workspace, id), event)
    await world.service.caught_up()


async def rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: [tuple(row) for row in await database.fetch(f"SELECT * FROM {table} ORDER BY id")]  # noqa: S608
        for table in TABLES
    }


async def whole_log(log: EventLog) -> list[Recorded]:
    end = await log.end()
    found: list[Recorded] = []
    async for batch in log.follow(0):
        found += batch
        if found[-1].seq >= end:
            return found
    raise AssertionError("the log ended")


async def replayed(dsn: str, batches: Batches) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of a database of its own, after the runner has had these batches."""

    async def follow(after: int) -> AsyncIterator[list[Recorded]]:
        for batch in batches:
            yield batch

    async with pool.connect(dsn, SCHEMA, size=2) as database:
        await migrate(database, "services.api.read_model", TABLES_ONLY)
        await Runner(database, ViewsProjection(), follow).run()
        await migrate(database, "services.api.read_model")
        return await rows(database)


def cut(events: list[Recorded], size: int) -> Batches:
    return [events[at : at + size] for at in range(0, len(events), size)]


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_a_replay_gives_the_rows_that_were_lived_through(
    world: World, log: EventLog, dsn: str, size: int
) -> None:
    await lived(world)
    async with pool.connect(world.service.dsn, SCHEMA, size=1) as database:
        live = await rows(database)
    assert all(live.values())
    assert await replayed(dsn, cut(await whole_log(log), size)) == live


async def test_each_event_twice_changes_nothing(
    world: World, log: EventLog, postgres: PostgresServer, dsn: str
) -> None:
    await lived(world)
    events = await whole_log(log)
    once = await replayed(dsn, cut(events, 50))
    other = await postgres.new_database(f"twice_{uuid4().hex}")
    in_batches = [batch for batch in cut(events, 7) for _ in range(2)]
    assert await replayed(other, in_batches) == once


async def test_old_events_that_come_again_change_nothing(
    world: World, log: EventLog, dsn: str
) -> None:
    """Even past the checkpoint, which keeps them away: an old event never makes a row older."""
    await lived(world)
    events = await whole_log(log)
    once = await replayed(dsn, cut(events, 50))
    async with pool.connect(dsn, SCHEMA, size=1) as database:
        for batch in cut(events, 5):
            async with database.transaction() as connection:
                await ViewsProjection().apply(connection, batch[:-1] or batch)
            assert await rows(database) == once


async def test_two_copies_write_one_set_of_rows(
    world: World, log: EventLog, postgres: PostgresServer, dsn: str
) -> None:
    await lived(world)
    events = await whole_log(log)
    once = await replayed(dsn, cut(events, 50))
    other = await postgres.new_database(f"copies_{uuid4().hex}")
    both = await asyncio.gather(*(replayed(other, cut(events, size)) for size in (4, 11)))
    async with pool.connect(other, SCHEMA, size=1) as database:
        assert await rows(database) == once
    assert len(both) == 2


async def test_an_event_that_can_not_be_applied_stops_it(
    log: EventLog, world: World, dsn: str
) -> None:
    await lived(world)
    first_run = next(one for one in await whole_log(log) if one.stream.aggregate == "run")
    headless = Recorded(
        **{
            name: getattr(first_run, name) for name in Recorded.__struct_fields__ if name != "event"
        },
        event=RunStarted(executor="nobody"),
    )
    with pytest.raises(ValueError, match="RunStarted"):
        await replayed(dsn, [[headless]])


async def test_the_service_ends_with_its_projection(
    tmp_path: Path, nats_process: NatsServer, nats: Nats, dsn: str
) -> None:
    """Rows that stand still are never served: whoever runs the service starts it anew."""
    with running(tmp_path, nats_process.url, dsn) as service:
        headless = Proposed(run_stream(1, uuid4()), 0, RunStarted(executor="nobody"))
        await EventLog(nats).append(headless, Context(source="test", actor="test"))
        failure = await service.work.ended()
    assert isinstance(failure, ExceptionGroup)
    assert "RunStarted before the aggregate was created" in str(failure.exceptions[0])
