"""Connections over HTTP: as clients read them, whose they are, and where their details lie (I9)."""

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.domain.events import ConnectionCreated, ConnectionDeleted
from libs.domain.ids import connection_stream
from libs.eventlog.log import EventLog
from libs.postgres import pool
from libs.vault.vault import SCHEMA
from tests.api.service import running
from tests.api.world import World
from tests.platform import until

DETAILS = {"host": "db.example.org", "password": "correct horse", "port": 5432, "n": [None, 1e25]}
LISTED = {"id", "name", "type", "created_at", "created_by", "workspace_names"}


async def new(world: World, **more: Any) -> dict[str, Any]:
    """A connection: its name and id."""
    body = {"name": f"c-{uuid4()}", "type": "POSTGRES", "details": DETAILS, **more}
    made = await world.post("connections/create", body)
    assert made.keys() == {"id"}
    return {"name": body["name"], "id": made["id"]}


async def attach(
    world: World, connection: dict[str, Any], workspace: int, status: int = 200
) -> Any:
    body = {"workspace_id": workspace, "connection_id": connection["id"]}
    return await world.post("connections/add_to_workspace", body, status)


async def shared(world: World, user: UUID) -> tuple[int, dict[str, Any]]:
    """A workspace with that member, and a connection attached to it."""
    workspace, connection = await world.workspace(), await new(world)
    await world.add_member(workspace, user)
    await attach(world, connection, workspace)
    return workspace, connection


async def names(world: World, **of: int) -> list[str]:
    listed = await world.post("connections/list", of)
    return [one["name"] for one in listed["connections"]]


async def has_key(world: World, id: str) -> bool:
    async with pool.connect(world.service.dsn, SCHEMA, size=1) as database:
        query = "SELECT count(*) FROM data_key WHERE owner = $1"
        return bool(await database.fetchval(query, UUID(id)))


async def test_a_connection_is_read_as_clients_read_it(world: World) -> None:
    made = await new(world)
    by_name = await world.post("connections/get", {"name": made["name"]})
    assert by_name == await world.post("connections/get_by_id", {"id": made["id"]})
    assert by_name.keys() == LISTED | {"details"}
    assert (by_name["id"], by_name["type"]) == (made["id"], "POSTGRES")
    assert by_name["details"] == DETAILS
    assert by_name["workspace_names"] == []
    assert by_name["created_at"][10] == "T"


async def test_details_may_be_left_out_and_are_not_listed(world: World) -> None:
    made = await world.post("connections/create", {"name": f"c-{uuid4()}", "type": "X"})
    assert (await world.post("connections/get_by_id", made))["details"] == {}
    listed = (await world.post("connections/list", {}))["connections"]
    assert {one["id"] for one in listed} >= {made["id"]}
    assert all(one.keys() == LISTED for one in listed)


async def test_a_name_is_taken_as_long_as_its_connection_lives(world: World, member: World) -> None:
    first = await new(world)
    again = {"name": first["name"], "type": "OTHER", "details": {}}
    refused = await member.post("connections/create", again, 409)
    assert (refused["code"], refused["reason"]) == (409, "conflict")
    assert refused["msg"].startswith("name: ")
    await delete(world, first)
    second = await member.post("connections/create", again)
    assert second["id"] != first["id"]
    assert (await member.post("connections/get", {"name": first["name"]}))["type"] == "OTHER"


async def delete(world: World, connection: dict[str, Any]) -> None:
    path, body = "/v1/api/connections/delete", {"name": connection["name"]}
    answer = await world.service.call("POST", path, world.token, json=body)
    assert (answer.status, answer.body) == (204, "")


async def test_thirty_at_once_of_one_name_make_one_and_leave_one_key(world: World) -> None:
    async with pool.connect(world.service.dsn, SCHEMA, size=1) as database:
        before = await database.fetchval("SELECT count(*) FROM data_key")
        body = {"name": f"same-{uuid4()}", "type": "X", "details": DETAILS}
        asked = [world.service.post("connections/create", body, world.token) for _ in range(30)]
        answers = await asyncio.gather(*asked)
        assert sorted(answer.status for answer in answers) == [200] + [409] * 29
        assert await database.fetchval("SELECT count(*) FROM data_key") == before + 1


async def test_attached_and_detached(world: World) -> None:
    workspace, made = await world.workspace(), await new(world)
    body = {"workspace_id": workspace, "connection_id": made["id"]}
    link = await attach(world, made, workspace)
    assert link.keys() == {"id"}
    assert await attach(world, made, workspace) == link
    assert await names(world, workspace_id=workspace) == [made["name"]]
    (name,) = (await world.post("connections/get", {"name": made["name"]}))["workspace_names"]
    assert name.startswith("w-")
    for _ in range(2):
        await world.post("connections/remove_from_workspace", body, 204)
    assert await names(world, workspace_id=workspace) == []
    assert made["name"] in await names(world)


async def test_a_deleted_one_is_gone_everywhere(world: World, people: dict[str, UUID]) -> None:
    workspace, made = await shared(world, people["member@example.org"])
    await delete(world, made)
    for path, body in (("get", {"name": made["name"]}), ("get_by_id", {"id": made["id"]})):
        refused = await world.post(f"connections/{path}", body, 404)
        assert "there is no connection" in refused["msg"]
    await world.post("connections/delete", {"name": made["name"]}, 404)
    await attach(world, made, workspace, 404)
    assert await names(world, workspace_id=workspace) == []
    assert made["name"] not in await names(world)


async def test_members_of_its_workspaces_may_read_it_and_no_others(
    world: World, member: World, outsider: World, people: dict[str, UUID]
) -> None:
    workspace, made = await shared(world, people["member@example.org"])
    elsewhere = await world.workspace()
    await attach(world, made, elsewhere)
    read = await member.post("connections/get", {"name": made["name"]})
    assert read["details"] == DETAILS
    assert len(read["workspace_names"]) == 1, "the name of a workspace that is not theirs"
    assert made["name"] in await names(member)
    for path, body in (("get", {"name": made["name"]}), ("get_by_id", {"id": made["id"]})):
        refused = await outsider.post(f"connections/{path}", body, 403)
        assert "none of your workspaces" in refused["msg"]
    assert made["name"] not in await names(outsider)
    await outsider.post("connections/list", {"workspace_id": workspace}, 403)
    await member.post("connections/list", {"workspace_id": elsewhere}, 403)


async def test_only_its_creator_and_administrators_decide_about_it(
    world: World, member: World, people: dict[str, UUID]
) -> None:
    workspace, made = await shared(world, people["member@example.org"])
    body = {"workspace_id": workspace, "connection_id": made["id"]}
    await member.post("connections/remove_from_workspace", body, 403)
    await member.post("connections/delete", {"name": made["name"]}, 403)
    await attach(member, made, await member.workspace(), 403)
    own = await new(member)
    await attach(member, own, workspace)
    await delete(world, own)


async def test_the_owner_of_a_workspace_may_detach_what_others_attached(
    world: World, member: World, people: dict[str, UUID]
) -> None:
    workspace, made = await member.workspace(), await new(world)
    await attach(world, made, workspace)
    body = {"workspace_id": workspace, "connection_id": made["id"]}
    await member.post("connections/remove_from_workspace", body, 204)
    await member.post("connections/get", {"name": made["name"]}, 403)


async def test_i9_the_log_holds_a_sealed_text_that_opens_for_nothing_else(
    world: World, log: EventLog
) -> None:
    mine, yours = await new(world), await new(world)
    (created,) = await log.read(connection_stream(UUID(mine["id"])))
    assert isinstance(created.event, ConnectionCreated)
    assert "horse" not in created.event.details
    moved = ConnectionCreated(name=f"m-{uuid4()}", kind="X", details=created.event.details)
    thief = uuid4()
    await world.append(connection_stream(thief), moved)
    await world.service.caught_up()
    await world.post("connections/get_by_id", {"id": str(thief)}, 404)  # it has no key at all
    async with pool.connect(world.service.dsn, SCHEMA, size=1) as database:
        await database.execute(
            "INSERT INTO data_key SELECT $1, wrapped FROM data_key WHERE owner = $2",
            thief,
            UUID(yours["id"]),
        )
    answer = await world.post("connections/get_by_id", {"id": str(thief)}, 500)
    assert "horse" not in str(answer)


async def test_i9_deleting_destroys_the_key(world: World) -> None:
    made = await new(world)
    assert await has_key(world, made["id"])
    await delete(world, made)
    assert not await has_key(world, made["id"])


async def test_i9_a_deletion_that_was_interrupted_is_finished(world: World) -> None:
    """The api died after the event, before the key was destroyed."""
    made = await new(world)
    await world.append(connection_stream(UUID(made["id"])), ConnectionDeleted())

    async def shredded() -> bool:
        return not await has_key(world, made["id"])

    await until(shredded, "the key to be destroyed")


async def test_i9_a_restored_backup_brings_no_destroyed_key_back(
    world: World, tmp_path: Path
) -> None:
    made, kept = await new(world), await new(world)
    await delete(world, made)
    async with pool.connect(world.service.dsn, SCHEMA, size=1) as database:
        query = "INSERT INTO data_key SELECT $1, wrapped FROM data_key WHERE owner = $2"
        await database.execute(query, UUID(made["id"]), UUID(kept["id"]))
    assert await has_key(world, made["id"])
    with running(tmp_path, world.service.nats_url, world.service.dsn):
        assert not await has_key(world, made["id"])
        assert await has_key(world, kept["id"])


async def test_rotation_is_for_administrators(world: World, member: World) -> None:
    made = await new(world)
    await member.post("connections/rotate_keys", {}, 403)
    assert await world.post("connections/rotate_keys", {}) == {"rotated": 0}
    assert (await world.post("connections/get_by_id", {"id": made["id"]}))["details"] == DETAILS


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "name: give 1 to 128 characters"),
        ({"name": "x" * 129}, "name: give 1 to 128 characters"),
        ({"name": "a\0b"}, "name: give 1 to 128 characters, no control characters"),
        ({"name": None}, "name: expected str, got null"),
        ({"type": "  "}, "type: give 1 to 128 characters"),
        ({"type": "a\nb"}, "type: give 1 to 128 characters"),
        ({"type": 5}, "type: expected str, got int"),
        ({"details": "password"}, "details: expected object, got str"),
        ({"details": ["password"]}, "details: expected object, got array"),
        ({"details": {"a": "x" * (64 << 10)}}, "details: over 65536 bytes; keep large data"),
    ],
)
async def test_what_can_not_be_created(world: World, wrong: dict[str, Any], words: str) -> None:
    good = {"name": f"c-{uuid4()}", "type": "X", "details": {"password": "correct horse"}}
    refused = await world.post("connections/create", {**good, **wrong}, 400)
    assert refused["msg"].startswith(words)
    assert "horse" not in refused["msg"]
    if "name" not in wrong:
        await world.post("connections/get", {"name": good["name"]}, 404)


@pytest.mark.parametrize("depth", [50, 400, 700, 900, 1200])
async def test_however_deep_details_are_they_are_taken_or_refused(world: World, depth: int) -> None:
    name, deep = f"c-{uuid4()}", "[" * depth + "]" * depth
    body = f'{{"name": "{name}", "type": "X", "details": {{"a": {deep}}}}}'.encode()
    path = "/v1/api/connections/create"
    answer = await world.service.call("POST", path, world.token, data=BytesIO(body))
    if answer.status == 200:
        read = await world.post("connections/get", {"name": name})
        assert str(read["details"]) == f"{{'a': {deep}}}"
    else:
        assert answer.status == 400
        assert "nested too deeply" in answer.body["msg"]


async def test_names_that_no_connection_has(world: World) -> None:
    for name in ("", "nobody", "a\0b", "x" * 100_000):
        await world.post("connections/get", {"name": name}, 404)
        await world.post("connections/delete", {"name": name}, 404)
