"""Lists by page: each after the last one's oldest, together the list that comes without a limit."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api.world import World


async def pages(world: World, path: str, body: dict[str, Any], id: str) -> list[list[str]]:
    """The ids on each page of two, until one is empty; `id` names the field."""
    found: list[list[str]] = []
    oldest: dict[str, str] = {}
    while True:
        answer = await world.post(path, {**body, "limit": 2, **oldest})
        if not answer:
            return found
        found.append([one[id] for one in answer])
        oldest = {"before": found[-1][-1]}


async def test_tasks_and_runs_by_page(world: World) -> None:
    workspace = await world.workspace()
    made = await world.orchestration(workspace)
    tasks = [str(await world.task(workspace, made)) for _ in range(5)]
    newest_first = tasks[::-1]
    listed = {"workspace_id": workspace}
    assert await pages(world, "task/list", listed, "id") == [
        newest_first[:2],
        newest_first[2:4],
        newest_first[4:],
    ]
    of_one = {"orch_id": str(made)}
    by_orchestration = await pages(world, "task/list", of_one, "id")
    assert [id for page in by_orchestration for id in page] == newest_first
    assert [one["id"] for one in await world.post("task/list", listed)] == newest_first
    runs = [str(await world.run(workspace, UUID(tasks[0]), "success")) for _ in range(3)]
    found = await pages(world, "task/list_task_runs", {"task_id": tasks[0]}, "run_id")
    assert found == [runs[:0:-1], runs[:1]]


async def test_orchestrations_by_page_are_oldest_first_on_each(world: World) -> None:
    workspace = await world.workspace()
    made = [str(await world.upload(workspace)) for _ in range(3)]
    listed: dict[str, Any] = {"workspace_id": workspace}
    first = await world.post("orchestration/list", {**listed, "limit": 2})
    assert [one["id"] for one in first] == made[1:]
    second = await world.post("orchestration/list", {**listed, "limit": 2, "before": made[1]})
    assert [one["id"] for one in second] == made[:1]
    body = {"workspace_ids": [workspace], "limit": 1, "before": made[2]}
    [item] = (await world.post("orchestration/list_all", body))["orchestrations"]
    assert item["orchestration"]["id"] == made[1]


@pytest.mark.parametrize("path", ["task/list", "orchestration/list", "orchestration/list_all"])
async def test_a_page_before_nothing(world: World, path: str) -> None:
    body = {"workspace_id": await world.workspace(), "before": str(uuid4())}
    answer = await world.post(path, body, 404)
    assert answer["msg"].startswith("before: there is no ")
    answer = await world.post(path, {**body, "limit": 0}, 400)
    assert answer["msg"].startswith("limit: ")
