"""Commands that come again under the key of the first time: they are done once."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest

from libs.domain.events import OrchestrationFailed
from libs.domain.ids import orchestration_stream, task_stream
from tests.api.callers import MEMBER
from tests.api.service import Answer
from tests.api.world import HELLO, World, form
from tests.archive.zips import packed
from tests.platform import PATIENCE

OTHER = packed({"main.py": "print('other')", "requirements.txt": ""})
ALL_KINDS = {
    "task/run_once": {},
    "task/run_continuously": {},
    "task/run_scheduled": {"schedule": "0 0 1 1 *"},
}


def order(workspace: int, orchestration: UUID, **more: Any) -> dict[str, Any]:
    return {
        "orch_id": str(orchestration),
        "workspace_id": workspace,
        "json": {"b": [1, 2.5, None], "a": True, "far": 10**30},
        **more,
    }


async def keyed(world: World, key: str, body: object, path: str = "task/run_once") -> Answer:
    headers = {"Idempotency-Key": key}
    path = f"/v1/api/{path}"
    return await world.service.call("POST", path, world.token, json=body, headers=headers)


async def sent(world: World, key: str, workspace: int, file: bytes = HELLO) -> Answer:
    """An upload."""
    return await world.service.call(
        "POST",
        "/v1/api/orchestration/upload",
        world.token,
        data=form(file, f'{{"workspace_id": {workspace}}}'),
        headers={"Idempotency-Key": key},
    )


async def tasks(world: World, workspace: int) -> list[str]:
    return [task["id"] for task in await world.post("task/list", {"workspace_id": workspace})]


async def orchestrations(world: World, workspace: int) -> list[str]:
    listed = await world.post("orchestration/list", {"workspace_id": workspace})
    return [orchestration["id"] for orchestration in listed]


def blobs(world: World, workspace: int) -> list[bytes]:
    """The archives that are kept for a workspace."""
    folder = world.service.blobs / "orchestrations" / str(workspace)
    return [path.read_bytes() for path in folder.glob("*.zip")]


def refused(answer: Answer) -> None:
    assert (answer.status, answer.body["reason"]) == (409, "conflict")
    assert answer.body["msg"].startswith("Idempotency-Key: ")


@pytest.mark.parametrize("path", ALL_KINDS)
async def test_the_same_key_twice_makes_one_task(world: World, path: str) -> None:
    workspace, key = await world.workspace(), uuid4().hex
    body = order(workspace, await world.orchestration(workspace), **ALL_KINDS[path])
    answers = [
        await keyed(world, key, body, path),
        await keyed(world, key, dict(reversed(body.items())), path),
        await keyed(world, key, body, f"orchestration/{path}"),
    ]
    assert [answer.status for answer in answers] == [201] * 3
    assert [answer.body for answer in answers] == [answers[0].body] * 3
    assert await tasks(world, workspace) == [answers[0].body["id"]]


async def test_twenty_at_once_make_one_task(world: World) -> None:
    workspace, key = await world.workspace(), uuid4().hex
    body = order(workspace, await world.orchestration(workspace))
    answers = await asyncio.gather(*(keyed(world, key, body) for _ in range(20)))
    assert {answer.status for answer in answers} == {201}
    (id,) = {answer.body["id"] for answer in answers}
    assert await tasks(world, workspace) == [id]
    facts = await world.log.read(task_stream(workspace, UUID(id)))
    assert len(facts) == 1


async def test_another_command_under_the_same_key_is_refused(world: World) -> None:
    workspace, elsewhere = await world.workspace(), await world.workspace()
    orchestration, key = await world.orchestration(workspace), uuid4().hex
    body = order(workspace, orchestration)
    made = await keyed(world, key, body)
    others = [
        {**body, "json": {**body["json"], "a": 1}},
        {**body, "timeout": 10},
        {**body, "orch_id": str(await world.orchestration(workspace))},
        order(elsewhere, await world.orchestration(elsewhere)),
    ]
    for other in others:
        refused(await keyed(world, key, other))
    assert await tasks(world, workspace) == [made.body["id"]]
    assert await tasks(world, elsewhere) == []


async def test_keys_are_a_users_and_a_commands_own(
    world: World, member: World, people: dict[str, UUID]
) -> None:
    workspace, key = await world.workspace(), uuid4().hex
    await world.add_member(workspace, people[MEMBER])
    body = order(workspace, await world.orchestration(workspace))
    answers = [
        await keyed(world, key, body),
        await keyed(member, key, body),
        await keyed(world, key, body, "task/run_continuously"),
    ]
    assert [answer.status for answer in answers] == [201] * 3
    ids = [answer.body["id"] for answer in answers]
    assert await tasks(world, workspace) == ids[::-1]
    assert len(set(ids)) == 3


async def test_what_was_accepted_once_is_not_refused_later(world: World) -> None:
    workspace, key = await world.workspace(), uuid4().hex
    orchestration = await world.upload(workspace)
    body = order(workspace, orchestration)
    made = await keyed(world, key, body)
    failed = OrchestrationFailed(reason="no such package")
    await world.append(orchestration_stream(workspace, orchestration), failed)
    await world.post("task/kill", {"id": made.body["id"]}, 202)
    again = await keyed(world, key, body)
    assert (again.status, again.body) == (201, made.body)
    assert (await keyed(world, uuid4().hex, body)).status == 400


async def test_a_client_that_lost_its_connection_asks_again(world: World) -> None:
    workspace, key = await world.workspace(), uuid4().hex
    body = order(workspace, await world.orchestration(workspace))
    address, content = urlsplit(world.service.url), json.dumps(body).encode()
    head = (
        f"POST /v1/api/task/run_once HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Bearer {world.token}\r\nIdempotency-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(head.encode() + content)
    await writer.drain()
    async with asyncio.timeout(PATIENCE):
        while not await world.log.last_seq_over(f"event.{workspace}.task.*"):
            pass
    writer.transport.abort()
    again = await keyed(world, key, body)
    assert again.status == 201
    assert await tasks(world, workspace) == [again.body["id"]]


async def test_an_upload_that_comes_again_is_one_orchestration(world: World) -> None:
    workspace, key = await world.workspace(), uuid4().hex
    answers = await asyncio.gather(*(sent(world, key, workspace) for _ in range(5)))
    answers.append(await sent(world, key, workspace))
    assert {answer.status for answer in answers} == {202}
    (id,) = {answer.body["id"] for answer in answers}
    assert await orchestrations(world, workspace) == [id]
    assert blobs(world, workspace) == [HELLO]


async def test_another_archive_under_the_same_key_is_refused(world: World) -> None:
    workspace, key = await world.workspace(), uuid4().hex
    answers = await asyncio.gather(
        *(sent(world, key, workspace, file) for file in [HELLO, OTHER] * 3)
    )
    assert sorted(answer.status for answer in answers) == [202] * 3 + [409] * 3
    for answer in answers:
        if answer.status == 409:
            refused(answer)
    (kept,) = blobs(world, workspace)
    assert kept == (HELLO if answers[0].status == 202 else OTHER)
    refused(await sent(world, key, await world.workspace(), kept))


@pytest.mark.parametrize("key", ["", "x" * 129, "tab\there", "größer"])
async def test_a_key_that_is_none(world: World, key: str) -> None:
    workspace = await world.workspace()
    body = order(workspace, await world.orchestration(workspace))
    for answer in (await keyed(world, key, body), await sent(world, key, workspace)):
        assert (answer.status, answer.body["reason"]) == (400, "invalid")
        assert answer.body["msg"].startswith("Idempotency-Key: ")
    assert await tasks(world, workspace) == []


async def test_a_workspace_that_comes_again_is_one(world: World, member: World) -> None:
    key, body = uuid4().hex, {"workspace_name": f"w-{uuid4()}"}
    path = "workspaces/create"
    answers = await asyncio.gather(*(keyed(world, key, body, path) for _ in range(5)))
    assert {answer.status for answer in answers} == {200}
    (id,) = {answer.body["workspace_id"] for answer in answers}
    listed = (await world.post("workspaces/list", {}))["workspaces"]
    assert [one["id"] for one in listed if one["name"] == body["workspace_name"]] == [id]
    others = [(world, uuid4().hex), (member, key)]
    for caller, other in others:
        assert (await keyed(caller, other, body, path)).status == 409
    assert (await world.service.post(path, body, world.token)).status == 409


async def test_a_connection_that_comes_again_is_one(world: World) -> None:
    key, path = uuid4().hex, "connections/create"
    body = {"name": f"c-{uuid4()}", "type": "HTTP", "details": {"token": "hunter2", "n": [1]}}
    answers = await asyncio.gather(*(keyed(world, key, body, path) for _ in range(5)))
    assert {answer.status for answer in answers} == {200}
    (id,) = {answer.body["id"] for answer in answers}
    found = await world.post("connections/get", {"name": body["name"]})
    assert (found["id"], found["details"]) == (id, body["details"])
    for other in ({**body, "type": "FTP"}, {**body, "details": {}}):
        refused(await keyed(world, key, other, path))
    assert (await keyed(world, uuid4().hex, body, path)).status == 409
    assert (await world.post("connections/get_by_id", {"id": id}))["details"] == body["details"]
