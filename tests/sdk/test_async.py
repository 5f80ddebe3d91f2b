"""The asyncio client: the same surface, many calls at a time."""

import asyncio
import inspect
import sys

import pytest
import rondo
from rondo import AsyncClient
from rondo.aio.http_transport import within
from rondo.errors import EntityNotFoundError, OrchestrationUploadFailed

from tests.platform import PATIENCE, archive
from tests.sdk.conftest import SAYS, WAITS


async def test_the_road_of_a_run(async_client: AsyncClient) -> None:
    data = archive({"main.py": SAYS})
    orchestration = await async_client.upload_orchestration(data, name="async")
    await orchestration.wait(PATIENCE)
    tasks = await asyncio.gather(
        *(orchestration.run_once(f"number {n}", {"n": n}) for n in range(5))
    )
    runs = await asyncio.gather(*(task.wait(PATIENCE) for task in tasks))
    assert [await run.status() for run in runs] == ["success"] * 5
    lines = [line async for line in runs[3].follow()]
    assert "given {'n': 3}" in lines
    assert sorted(lines) == sorted((await runs[3].logs()).texts())
    here = await async_client.get_current_workspace()
    listed = await async_client.list_tasks(workspace_name=here.name())
    assert {task.id() for task in listed} == {task.id() for task in tasks}
    assert "<td>async</td>" in (await async_client.list_orchestrations(here.id()))._repr_html_()


async def test_a_wait_can_be_given_up(async_client: AsyncClient) -> None:
    data = archive({"main.py": WAITS})
    orchestration = await (await async_client.upload_orchestration(data)).wait(PATIENCE)
    task = await orchestration.run_once("waits", {})
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(task.wait(), 0.3)
    run = await task.newest_run(PATIENCE)
    await task.kill()
    assert await (await run.wait(PATIENCE)).status() == "killed"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.wait_for loses it")
async def test_a_cancellation_that_comes_with_the_result_is_not_lost() -> None:
    result = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(within(result, PATIENCE))
    await asyncio.sleep(0)
    result.set_result("there")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_errors_are_the_same(async_client: AsyncClient) -> None:
    with pytest.raises(OrchestrationUploadFailed, match="ZIP"):
        await async_client.upload_orchestration(b"no archive")
    with pytest.raises(OrchestrationUploadFailed):
        await async_client.upload_orchestration(bytes(30_000_000))
    with pytest.raises(EntityNotFoundError):
        await async_client.get_workspace("never made")
    with pytest.raises(TypeError):
        await async_client.list_tasks(workspace_id="1")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Client", "Orchestration", "Task", "TaskRun", "Workspace"])
def test_both_clients_have_the_same_calls(name: str) -> None:
    blocking = getattr(rondo, name)
    module = __import__(f"rondo.aio.{blocking.__module__.split('.')[1]}", fromlist=[name])
    coroutines = getattr(module, f"Async{name}")
    assert _calls(blocking) == _calls(coroutines) != {}


def _calls(kind: type) -> dict[str, list[str]]:
    found = inspect.getmembers(kind, inspect.isfunction)
    return {name: [*inspect.signature(call).parameters] for name, call in found}
