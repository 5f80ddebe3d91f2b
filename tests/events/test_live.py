"""GET /v1/api/events as server-sent events: what comes, to whom, and until when."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from libs.domain.events import OrchestrationUploaded
from libs.domain.ids import orchestration_stream
from libs.eventfeed import tail
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.nats_client import connect
from tests.api.service import running
from tests.api.world import World
from tests.events.client import pages, subscribed
from tests.servers import TOKEN, NatsServer


async def test_events_come_as_they_happen(world: World) -> None:
    workspace = await world.workspace()
    async with subscribed(world, workspace=workspace) as stream:
        joined = await stream.joined()
        await world.upload(workspace)
        (block,) = await stream.events(1)
    assert block.event == "OrchestrationUploaded"
    assert block.sequence > joined
    assert [block.data] == await pages(world, workspace=workspace, after=joined)


async def test_history_then_what_comes_each_once(world: World) -> None:
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task)
    async with subscribed(world, workspace=workspace, after=0) as stream:
        before = await stream.events(7)
        await asyncio.gather(*(world.upload(workspace) for _ in range(10)))
        after = await stream.events(10)
    whole = await pages(world, workspace=workspace)
    assert [block.data for block in before + after] == whole
    assert before[-1].data["subject"] == f"run/{run}"


async def test_a_subscriber_resumes_where_it_was(world: World) -> None:
    workspace = await world.workspace()
    async with subscribed(world, workspace=workspace) as stream:
        joined = await stream.joined()
    await world.upload(workspace)
    async with subscribed(world, last_id=joined, workspace=workspace) as stream:
        (first,) = await stream.events(1)
    await world.upload(workspace)
    # An EventSource sends its URL again, and where it is beside that.
    async with subscribed(world, last_id=first.id, workspace=workspace, after=0) as stream:
        (second,) = await stream.events(1)
    assert [first.data, second.data] == await pages(world, workspace=workspace, after=joined)


async def test_who_does_not_read_for_a_while_misses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More comes than all buffers on the way hold, let alone what waits in the service."""
    monkeypatch.setattr(tail, "MAX_WAITING", 20)
    uploaded = OrchestrationUploaded(
        file_name="a" * 20_000, file_size=22, sha="0" * 64, blob="b", entrypoint="main.py"
    )
    workspace = await world.workspace()
    async with subscribed(world, workspace=workspace, buffer=1 << 15) as stream:
        joined = await stream.joined()
        last = 0
        for _ in range(20):
            ids = [orchestration_stream(workspace, uuid4()) for _ in range(50)]
            batch = [(Proposed(id, 0, uploaded), Context(source="t", actor="t")) for id in ids]
            last = await world.log.append_batch(batch)
        await world.service.caught_up()
        found = await stream.events(1000)
    assert found[-1].sequence == last
    places = [event["sequence"] for event in await pages(world, workspace=workspace, after=joined)]
    assert [block.sequence for block in found] == places


async def test_a_service_that_stops_ends_its_streams_in_order(
    nats_process: NatsServer, dsn: str, tmp_path: Path
) -> None:
    """At their end, not midway: who listened comes again, and nothing holds up the stop."""
    async with AsyncExitStack() as streams:
        with running(tmp_path, nats_process.url, dsn) as service:
            async with connect(nats_process.url, TOKEN) as nats:
                world = World(service, EventLog(nats), await service.login())
                await world.workspace()
            open_ones = [
                await streams.enter_async_context(subscribed(world, after=0)) for _ in range(3)
            ]
            for stream in open_ones:
                await stream.events(1)
        for stream in open_ones:
            while await stream.block() is not None:
                pass
            assert stream.response.content.at_eof()
