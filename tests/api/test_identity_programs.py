"""Service tokens: what they may do, for how long, and that nobody keeps them."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.identity.service_tokens import ServiceTokens
from libs.identity.users import SCHEMA
from libs.postgres import pool
from tests.api.callers import OUTSIDER
from tests.api.service import Answer
from tests.api.world import World


async def robot(world: World, *workspaces: int, **more: Any) -> tuple[str, str]:
    """The token's id, and the token."""
    body = {"name": "robot", "workspaces": list(workspaces), **more}
    made = await world.post("tokens/create", body)
    return made["token"]["id"], made["secret"]


async def tried(world: World, token: str, path: str, body: object) -> Answer:
    return await world.service.post(path, body, token)


async def test_a_program_works_in_its_workspaces_only(world: World) -> None:
    mine, other = await world.workspace(), await world.workspace()
    orchestration = await world.orchestration(mine)
    _, token = await robot(world, mine)
    listed = (await tried(world, token, "workspaces/list", {})).body["workspaces"]
    assert [one["id"] for one in listed] == [mine]
    order = {"orch_id": str(orchestration), "workspace_id": mine, "json": {}}
    assert (await tried(world, token, "task/run_once", order)).status == 201
    closed = await tried(world, token, "orchestration/list", {"workspace_id": other})
    assert (closed.status, closed.body["reason"]) == (403, "forbidden")
    everything = (await tried(world, token, "task/list", {})).body
    assert {one["workspace_id"] for one in everything} == {mine}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("users/create", {"email": f"{uuid4()}@example.org"}),
        ("users/query", {}),
        ("tokens/create", {"name": "another", "workspaces": [1]}),
        ("tokens/list", {}),
        ("workspaces/create", {"workspace_name": "x"}),
        ("workspaces/add_user", {"workspace_id": 1, "email": OUTSIDER}),
        ("connections/create", {"name": "x", "type": "X"}),
    ],
)
async def test_what_is_for_persons_only(world: World, path: str, body: object) -> None:
    _, token = await robot(world, await world.workspace())
    refused = await tried(world, token, path, body)
    assert (refused.status, refused.body["reason"]) == (403, "forbidden")


async def test_nobody_gives_away_what_they_do_not_have(world: World, outsider: World) -> None:
    body = {"name": "robot", "workspaces": [await world.workspace()]}
    await outsider.post("tokens/create", body, 403)


async def test_a_token_ends_with_its_owners_membership(
    world: World, outsider: World, people: dict[str, UUID]
) -> None:
    workspace = await world.workspace()
    await world.add_member(workspace, people[OUTSIDER])
    _, token = await robot(outsider, workspace)
    body = {"workspace_id": workspace}
    assert (await tried(world, token, "orchestration/list", body)).status == 200
    await world.post("workspaces/remove_user", {**body, "email": OUTSIDER})
    assert (await tried(world, token, "orchestration/list", body)).status == 403


async def test_a_revoked_token_is_none(world: World) -> None:
    id, token = await robot(world, await world.workspace())
    assert (await tried(world, token, "workspaces/list", {})).status == 200
    assert (await world.post("tokens/revoke", {"id": id}))["revoked_at"] is not None
    assert (await tried(world, token, "workspaces/list", {})).status == 401
    listed = (await world.post("tokens/list", {}))["tokens"]
    assert id in [one["id"] for one in listed]
    assert token not in str(listed)
    assert (await tried(world, "rnd_made-up", "workspaces/list", {})).status == 401
    await world.post("tokens/revoke", {"id": str(uuid4())}, 404)


async def test_a_token_expires_and_is_kept_as_a_digest(world: World) -> None:
    async with pool.connect(world.service.dsn, SCHEMA, durable=True, size=2) as database:
        tokens = ServiceTokens(database, time.monotonic)
        past = datetime.now(UTC) - timedelta(seconds=1)
        _, old = await tokens.create("old", uuid4(), [1], past)
        assert await tokens.known(old) is None
        made, good = await tokens.create("good", uuid4(), [1], None)
        assert await tokens.known(good) == made
        rows = await database.fetch("SELECT service_token::text FROM service_token")
        assert good not in str(rows)
        assert len(good) == len("rnd_") + 43
