"""Every route that asks for a token, by who calls it (I8)."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from libs.identity.tokens import Tokens
from libs.identity.users import User
from services.api.routes import ROUTES
from tests.api.service import Service, new_key
from tests.api.world import HELLO, World, form, users

PROTECTED = [route for route in ROUTES if not route.public]


@pytest.fixture
def strangers(service: Service, expired: str) -> dict[str, dict[str, str]]:
    """Headers of those who are nobody."""
    user = User(uuid4(), "a@example.org", "a", True, True, datetime.now(UTC))
    forged = Tokens(new_key(), service.url, 60).issue(user).access_token
    unknown = Tokens(service.key, service.url, 60).issue(user).access_token
    told = {
        "garbage": "Bearer garbage",
        "deep": "Bearer " + "W1tb" * 1500 + ".e30.e30",
        "unsigned": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
        "basic": "Basic dXNlcjpwYXNz",
        "empty": "Bearer ",
        "forged": f"Bearer {forged}",
        "unknown user": f"Bearer {unknown}",
        "expired": f"Bearer {expired}",
    }
    return {"nothing": {}} | {name: {"Authorization": text} for name, text in told.items()}


@pytest.fixture
async def expired(service: Service) -> str:
    async with users(service) as known:
        user = await known.with_password("admin", "a password for tests")
    assert user is not None
    tokens = Tokens(service.key, service.url, 60, lambda: 1_000_000.0)
    return tokens.issue(user).access_token


@pytest.mark.parametrize(
    ("method", "path"), [(r.method, path) for r in PROTECTED for path in (r.path, *r.aliases)]
)
async def test_nobody_gets_anything_without_a_good_token(
    service: Service, strangers: dict[str, dict[str, str]], method: str, path: str
) -> None:
    for who, headers in strangers.items():
        answer = await service.call(method, re.sub(r"{\w+}", "x", path), headers=headers, json={})
        assert answer.status == 401, who
        assert (answer.body["code"], answer.body["reason"]) == (401, "unauthorized"), who
        assert answer.body["msg"].startswith("Authorization: "), who
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), who


async def bodies(world: World) -> tuple[int, dict[str, tuple[Any, int]]]:
    """A workspace, and per route a body that names something in it and what members then get."""
    workspace, task = await world.ready_task()
    orchestration = (await world.post("task/get_by_id", {"id": str(task)}))["orch_id"]
    run = await world.run(workspace, task)
    order = {"orch_id": orchestration, "workspace_id": workspace, "json": {}}
    return workspace, {
        "orchestration/upload": (None, 202),
        "orchestration/list": ({"workspace_id": workspace}, 200),
        "orchestration/list_all": ({"workspace_ids": [workspace]}, 200),
        "orchestration/get_by_id": ({"id": orchestration}, 200),
        "task/run_once": (order, 201),
        "task/run_scheduled": ({**order, "schedule": "@daily"}, 201),
        "task/run_continuously": (order, 201),
        "task/get_by_id": ({"id": str(task)}, 200),
        "task/list": ({"workspace_id": workspace}, 200),
        "task/list_task_runs": ({"task_id": str(task)}, 200),
        "task/get_run_details": ({"task": str(task), "pod_id": str(run)}, 200),
        "task/get_logs_for_run": ({"id": str(run)}, 200),
        "task/kill": ({"id": str(task)}, 202),
    }


async def test_members_and_administrators_are_let_in_and_nobody_else(
    world: World, member: World, outsider: World, people: dict[str, Any]
) -> None:
    workspace, told = await bodies(world)
    await world.add_member(workspace, people["member@example.org"])
    upload = f'{{"workspace_id": {workspace}}}'
    for path, (body, status) in told.items():
        for who, expected in ((outsider, 403), (member, status), (world, status)):
            if body is None:
                answer = await who.send(form(HELLO, upload))
            else:
                answer = await world.service.post(path, body, who.token)
            assert answer.status == expected, (path, answer.body)
            if expected == 403:
                assert answer.body["reason"] == "forbidden"
                assert f"workspace {workspace}" in answer.body["msg"]


async def test_pausing_is_for_members_too(world: World, outsider: World) -> None:
    _, task = await world.ready_task(schedule="@daily")
    body = {"id": str(task), "pause": True}
    assert (await outsider.post("task/pause", body, 403))["reason"] == "forbidden"
    assert (await world.post("task/pause", body, 202))["status"] == "pending_pause"


async def test_lists_show_ones_own_only(world: World, outsider: World) -> None:
    workspace, task = await world.ready_task()
    sha = (await world.post("task/get_by_id", {"id": str(task)}))["extra_env_vars"]["ORCH_SHA"]
    seen = await outsider.post("workspaces/list", {})
    assert workspace not in [one["id"] for one in seen["workspaces"]]
    assert str(task) not in [one["id"] for one in await outsider.post("task/list", {})]
    of_sha = await outsider.post("task/get_tasks_by_orch_sha", {"sha": sha})
    assert str(task) not in of_sha["ids"]
    everything = await outsider.post("orchestration/list_all", {"workspace_ids": []})
    assert workspace not in [one["workspace"]["id"] for one in everything["orchestrations"]]
    assert str(task) in [one["id"] for one in await world.post("task/list", {})]


async def test_only_administrators_ask_for_others(
    world: World, member: World, people: dict[str, Any]
) -> None:
    mine, yours = people["member@example.org"], people["outsider@example.org"]
    await member.post("workspaces/list", {"user_id": str(mine)})
    await member.post("workspaces/list", {"user_id": str(yours)}, 403)
    await world.post("workspaces/list", {"user_id": str(yours)})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("orchestration/list", {"workspace_id": 2**53 - 1}),
        ("orchestration/list_all", {"workspace_ids": [2**53 - 1]}),
        ("orchestration/get_by_id", {"id": str(uuid4())}),
        ("task/run_once", {"orch_id": str(uuid4()), "workspace_id": 1, "json": {}}),
        ("task/get_by_id", {"id": str(uuid4())}),
        ("task/list", {"workspace_id": 2**53 - 1}),
        ("task/list", {"orch_id": str(uuid4())}),
        ("task/list_task_runs", {"task_id": str(uuid4())}),
        ("task/get_run_details", {"task": str(uuid4()), "pod_id": str(uuid4())}),
        ("task/get_logs_for_run", {"id": str(uuid4())}),
        ("task/kill", {"id": str(uuid4())}),
        ("task/pause", {"id": str(uuid4()), "pause": True}),
    ],
)
async def test_what_is_not_there(world: World, path: str, body: dict[str, Any]) -> None:
    answer = await world.post(path, body, 404)
    assert (answer["code"], answer["reason"]) == (404, "not_found")
    assert "there is no" in answer["msg"]


async def test_paths_that_are_none_and_methods_that_are_wrong(service: Service) -> None:
    answer = await service.call("POST", "/v1/api/nothing")
    assert (answer.status, answer.body["reason"]) == (404, "not_found")
    answer = await service.call("GET", "/v1/api/task/list")
    assert (answer.status, answer.body["reason"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"
