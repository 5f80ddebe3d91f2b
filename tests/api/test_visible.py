"""I1: what was accepted is seen by every later read, or the answer says that it is not yet."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from libs.domain.ids import task_stream
from libs.eventlog.log import EventLog
from libs.eventlog.nats_client import Nats
from services.api.read_model.projection import SCHEMA
from tests.api.service import running
from tests.api.world import World
from tests.servers import NatsServer


async def test_thirty_two_writers_read_what_they_wrote(world: World) -> None:
    workspace = await world.workspace()
    orchestration = await world.orchestration(workspace)

    async def write_and_read(number: int) -> None:
        for _ in range(4):
            task = await world.task(workspace, orchestration, name=f"writer {number}")
            found = await world.post("task/get_by_id", {"id": str(task)})
            assert found["name"] == f"writer {number}"
            killed = await world.post("task/kill", {"id": str(task)}, 202)
            assert killed["status"] == "pending_kill"

    await asyncio.gather(*(write_and_read(number) for number in range(32)))
    assert len(await world.post("task/list", {"workspace_id": workspace})) == 128


async def test_an_accepted_command_that_is_not_visible_yet_says_so(
    tmp_path: Path, nats_process: NatsServer, nats: Nats, dsn: str
) -> None:
    with running(tmp_path, nats_process.url, dsn) as service:
        world = World(service, EventLog(nats), await service.login())
        workspace = await world.workspace()
        orchestration = await world.orchestration(workspace)
        body = {"orch_id": str(orchestration), "workspace_id": workspace}
        await service.caught_up()
        # Whoever holds the checkpoint's row holds up the projection.
        blocker = await asyncpg.connect(dsn)
        async with blocker.transaction():
            await blocker.execute(f"SELECT * FROM {SCHEMA}.checkpoint FOR UPDATE")  # noqa: S608
            answer = await service.post("task/run_once", body, world.token)
            assert (answer.status, answer.body["reason"]) == (503, "not_visible_yet")
            assert answer.headers["Retry-After"]
            assert "is accepted" in answer.body["msg"]
            ready = await service.call("GET", "/readyz")
            assert (ready.status, ready.body["missing"]) == (503, ["projection"])
        await blocker.close()
        task = UUID(answer.body["id"])
        assert len(await world.log.read(task_stream(workspace, task))) == 1
        await service.caught_up()
        found = await world.post("task/get_by_id", {"id": str(task)})
        assert found["status"] == "started"


async def test_another_copy_of_the_service_shows_it_too(
    tmp_path: Path, nats_process: NatsServer, nats: Nats, dsn: str
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with (
        running(tmp_path / "one", nats_process.url, dsn) as one,
        running(tmp_path / "two", nats_process.url, dsn) as two,
    ):
        here, there = await one.login(), await two.login()
        names = [f"w-{uuid4()}" for _ in range(10)]
        asked = [
            service.post("workspaces/create", {"workspace_name": name}, token)
            for name in names
            for service, token in ((one, here), (two, there))
        ]
        answers = await asyncio.gather(*asked)
        assert sorted(answer.status for answer in answers) == [200] * 10 + [409] * 10
        for service, token in ((one, here), (two, there)):
            listed = (await service.post("workspaces/list", {}, token)).body["workspaces"]
            assert sorted(found["name"] for found in listed) == sorted(names)


async def test_without_the_log_a_command_is_refused_and_reads_go_on(
    tmp_path: Path, nats_process: NatsServer, nats: Nats, dsn: str
) -> None:
    with running(tmp_path, nats_process.url, dsn) as service:
        world = World(service, EventLog(nats), await service.login())
        workspace = await world.workspace()
        nats_process.stop()
        listed = await service.post("workspaces/list", {}, world.token)
        assert [found["id"] for found in listed.body["workspaces"]] == [workspace]
        ready = await service.call("GET", "/readyz")
        assert (ready.status, "nats" in ready.body["missing"]) == (503, True)
        nats_process.start()
        again = await world.workspace()
        assert again == workspace + 1
