"""Workspaces: their shape, and numbers and names that stay unique under races."""

import asyncio
from uuid import uuid4

import pytest

from tests.api.world import World

SHAPE = {"id", "name", "created_at", "created_by", "archived", "models", "pipelines"}


async def test_a_workspace_is_listed_as_clients_read_it(world: World) -> None:
    name = f"tutorial_{uuid4()}@example.org - Default Workspace"
    created = await world.post("workspaces/create", {"workspace_name": name})
    assert created.keys() == {"workspace_id"}
    listed = (await world.post("workspaces/list", {}))["workspaces"]
    (found,) = [one for one in listed if one["id"] == created["workspace_id"]]
    assert found.keys() == SHAPE
    assert found["name"] == name
    assert (found["archived"], found["models"], found["pipelines"]) == (False, [], [])
    assert found["created_at"][10] == "T"
    assert [one["id"] for one in listed] == sorted(one["id"] for one in listed)


async def test_fifty_at_once_of_one_name_make_one(world: World) -> None:
    body = {"workspace_name": f"same-{uuid4()}"}
    asked = [world.service.post("workspaces/create", body, world.token) for _ in range(50)]
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status for answer in answers) == [200] + [409] * 49
    refused = next(answer.body for answer in answers if answer.status == 409)
    assert (refused["code"], refused["reason"]) == (409, "conflict")
    assert refused["msg"].startswith("workspace_name: ")


async def test_numbers_are_given_once(world: World) -> None:
    ids = await asyncio.gather(*(world.workspace() for _ in range(20)))
    assert len(set(ids)) == 20


@pytest.mark.parametrize("name", ["", "  ", "x" * 129, "a\nb", "a\0b"])
async def test_names_that_are_none(world: World, name: str) -> None:
    refused = await world.post("workspaces/create", {"workspace_name": name}, 400)
    assert refused["msg"].startswith("workspace_name: ")
