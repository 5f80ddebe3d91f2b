"""Two hundred tasks at once: each run exactly once, and the views made again from the log."""

import asyncio
import signal
from collections.abc import Iterator

import aiohttp
import pytest

from libs.domain.events import RunFinished, RunRequested, RunStarted
from libs.postgres import pool
from services.api.read_model import projection
from tests.history.rows import SERVED, quiet, rows
from tests.platform import Api, Platform, Refused, api, example, running, until

TASKS = 200
LINES = 6  # that examples/hello prints


@pytest.fixture(scope="module")
def own_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running(Platform(tmp_path_factory.mktemp("many"))) as platform:
        yield platform


async def test_each_of_many_runs_once_and_the_views_are_a_function_of_the_log(
    own_platform: Platform,
) -> None:
    async with api(own_platform, "many") as client:
        hello = await client.ready(example("hello"))
        names = [f"number {n}" for n in range(TASKS)]
        orders = (client.run(hello, name=name, json={"name": name}) for name in names)
        tasks = await asyncio.gather(*orders)
        await all_succeed(client, dict(zip(tasks, names, strict=True)))
        await exactly_once(own_platform, set(tasks))
        await rebuilt_to_the_same_rows(own_platform, client)


async def all_succeed(client: Api, tasks: dict[str, str]) -> None:
    for task, name in tasks.items():
        [run] = await client.ended(task)
        assert run["status"] == "success", run
        lines = await client.lines(run["run_id"])
        assert len(lines) == LINES
        assert lines[1] == f"Hello, {name}!"


async def exactly_once(platform: Platform, tasks: set[str]) -> None:
    """I1: no order is lost. I2: none is started twice."""
    events = await platform.events()
    for kind in (RunRequested, RunStarted, RunFinished):
        found = [fact for fact in events if isinstance(fact.event, kind)]
        assert len(found) == len({fact.stream.id for fact in found}) == TASKS, kind
    asked = [fact.event for fact in events if isinstance(fact.event, RunRequested)]
    assert {str(event.task) for event in asked} == tasks


async def rebuilt_to_the_same_rows(platform: Platform, client: Api) -> None:
    """I4: the services stand still while their views are dropped, and are then killed."""
    await quiet(platform)
    before = {schema: await rows(platform, schema) for schema in SERVED}
    listed = await client.post("task/list", {"workspace_id": client.workspace})
    for service in ("api", "scheduler"):
        platform.signal(service, signal.SIGSTOP)
    async with pool.connect(platform.dsn, "public", size=1) as database:
        for schema in SERVED:
            await database.execute(f"DROP SCHEMA {schema} CASCADE")
    for service in ("api", "scheduler"):
        platform.signal(service, signal.SIGKILL)
    assert await until(lambda: listed_again(client), "the API") == listed
    await quiet(platform)
    after = {schema: await rows(platform, schema) for schema in SERVED}
    assert after == before
    assert len(after[projection.SCHEMA]["run"]) == TASKS


async def listed_again(client: Api) -> list[object]:
    try:
        return list(await client.post("task/list", {"workspace_id": client.workspace}))
    except (aiohttp.ClientConnectionError, Refused):  # it is being restarted
        return []
