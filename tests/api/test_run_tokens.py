"""Tokens of runs: their owner's rights in one workspace, nothing for people only, until the end."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from libs.domain.events import RunFinished
from libs.domain.ids import run_stream
from libs.eventlog.log import EventLog
from libs.identity.tokens import REALM
from libs.runtoken.token import Grant, Kind, RunTokens, is_one
from services.api.routes import ROUTES
from tests.api.served_world import model_version
from tests.api.service import Service, new_key
from tests.api.test_login import claims
from tests.api.world import World, new_user, users

ORCHESTRATIONS = "orchestration/list"


@dataclass(frozen=True)
class Scene:
    """A run of a task of its own workspace's owner, who has another workspace too."""

    owner: World
    grant: Grant
    elsewhere: int

    @property
    def workspace(self) -> int:
        return self.grant.workspace

    def token(self, kind: Kind = "Run", seconds: int = 600, key: str = "", **other: Any) -> str:
        service = self.owner.service
        tokens = RunTokens(key or service.task_key, service.url)
        grant = msgspec.structs.replace(self.grant, **other)
        return tokens.sign(grant, kind, "a@users.invalid", int(time.time()) + seconds)

    async def post(self, path: str, body: object, status: int, token: str = "") -> Any:
        answer = await self.owner.service.post(path, body, token or self.token())
        assert answer.status == status, answer.body
        return answer.body

    async def end(self) -> None:
        finished = RunFinished(status="success", reason="exited", lines=0)
        await self.owner.append(run_stream(self.workspace, self.grant.run), finished)
        await self.owner.service.caught_up()

    async def renew(self, token: str) -> Any:
        fields = {"grant_type": "refresh_token", "refresh_token": token}
        return await self.owner.service.grant(**fields)


async def scene_of(owner: World, id: object) -> Scene:
    workspace, task = await owner.ready_task()
    run = await owner.run(workspace, task)
    return Scene(owner, Grant(str(id), workspace, task, run), await owner.workspace())


@pytest.fixture
async def scene(member: World, people: dict[str, UUID]) -> Scene:
    return await scene_of(member, people["member@example.org"])


@pytest.fixture
async def of_admin(world: World) -> Scene:
    return await scene_of(world, claims(world.token)["sub"])


async def test_it_works_in_its_workspace(scene: Scene) -> None:
    await scene.post(ORCHESTRATIONS, {"workspace_id": scene.workspace}, 200)
    listed = (await scene.post("workspaces/list", {}, 200))["workspaces"]
    assert [one["id"] for one in listed] == [scene.workspace]
    mine = {"user_id": scene.grant.owner}
    listed = (await scene.post("workspaces/list", mine, 200))["workspaces"]
    assert [one["id"] for one in listed] == [scene.workspace]
    assert [one["id"] for one in await scene.post("task/list", {}, 200)] == [str(scene.grant.task)]
    query = "{ user_default_workspace { workspace { id } } }"
    answer = await scene.owner.service.call(
        "POST", "/v1/graphql", scene.token(), json={"query": query}
    )
    assert answer.body["data"]["user_default_workspace"] == [{"workspace": {"id": scene.workspace}}]


async def test_i8_no_other_workspace_of_its_owner_is_open_to_it(scene: Scene) -> None:
    await scene.owner.post(ORCHESTRATIONS, {"workspace_id": scene.elsewhere})
    await scene.post(ORCHESTRATIONS, {"workspace_id": scene.elsewhere}, 403)
    query = f"{{ workspace_by_pk(id: {scene.elsewhere}) {{ name }} }}"
    answer = await scene.owner.service.call(
        "POST", "/v1/graphql", scene.token(), json={"query": query}
    )
    assert answer.body["data"] == {"workspace_by_pk": None}


async def test_i8_an_administrators_run_is_no_administrator(of_admin: Scene) -> None:
    await of_admin.post(ORCHESTRATIONS, {"workspace_id": of_admin.workspace}, 200)
    await of_admin.post(ORCHESTRATIONS, {"workspace_id": of_admin.elsewhere}, 403)
    await of_admin.post("workspaces/list", {"user_id": str(uuid4())}, 403)
    listed = (await of_admin.post("workspaces/list", {}, 200))["workspaces"]
    assert [one["id"] for one in listed] == [of_admin.workspace]


async def test_i8_an_administrators_run_works_where_they_are_no_member(
    world: World, scene: Scene
) -> None:
    admin = str(claims(world.token)["sub"])
    foreign = scene.token(owner=admin)
    await scene.post(ORCHESTRATIONS, {"workspace_id": scene.workspace}, 200, foreign)
    listed = (await scene.post("workspaces/list", {}, 200, foreign))["workspaces"]
    assert [one["id"] for one in listed] == [scene.workspace]


async def test_i8_a_run_of_who_has_left_the_workspace_has_left_it_too(
    scene: Scene, outsider: World, people: dict[str, UUID]
) -> None:
    left = scene.token(owner=str(people["outsider@example.org"]))
    await scene.post(ORCHESTRATIONS, {"workspace_id": scene.workspace}, 403, left)
    assert (await scene.post("workspaces/list", {}, 200, left))["workspaces"] == []


async def test_connections_of_its_workspace_can_be_read_and_no_others(scene: Scene) -> None:
    attached, private = [
        {"name": f"c-{uuid4()}", "type": "X", "details": {"password": "p"}} for _ in range(2)
    ]
    ids = [(await scene.owner.post("connections/create", one))["id"] for one in (attached, private)]
    body = {"workspace_id": scene.workspace, "connection_id": ids[0]}
    await scene.owner.post("connections/add_to_workspace", body)
    read = await scene.post("connections/get", {"name": attached["name"]}, 200)
    assert read["details"] == {"password": "p"}
    await scene.post("connections/get", {"name": private["name"]}, 403)
    await scene.post("connections/get_by_id", {"id": ids[1]}, 403)
    listed = (await scene.post("connections/list", {}, 200))["connections"]
    assert [one["name"] for one in listed] == [attached["name"]]
    await scene.post("connections/delete", {"name": attached["name"]}, 403)


FOR_RUNS = (
    "/v1/api/orchestration/",
    "/v1/api/task/",
    "/v1/api/workspaces/list",
    "/v1/api/connections/get",
    "/v1/api/connections/list",
    "/v1/api/events",
    "/v1/api/models/",
    "/v1/api/pipelines/",
    "/v1/api/deployments/",
    "/v1/api/status/",
    "/v1/api/admin/get_pipeline_external_url",
    "/v1/api/assays/",
    "/v2/api/assays/",
    "/v1/metrics/",
    "/v1/api/plateau/",
    "/v1/logs/topic/",
)


@pytest.mark.parametrize(("method", "path"), [(r.method, r.path) for r in ROUTES if not r.public])
async def test_what_is_for_people_is_closed_to_every_run(
    of_admin: Scene, method: str, path: str
) -> None:
    """All routes but those that say otherwise: a new one is closed."""
    open_to_it = path == "/v1/graphql" or (
        path.startswith(FOR_RUNS) and not path.endswith("/list_users")
    )
    where = path.replace("{aggregate}", "run").replace("{id}", str(uuid4()))
    answer = await of_admin.owner.service.call(method, where, of_admin.token(), json={})
    closed = answer.status == 403 and "not for code in tasks" in answer.body["msg"]
    assert closed != open_to_it, answer.body


async def test_graphql_makes_no_workspace_and_removes_nobody_for_a_run(scene: Scene) -> None:
    for query in (
        'mutation { insert_workspace_one(object: {name: "new"}) { id } }',
        "mutation { delete_workspace_users(where: {}) { affected_rows } }",
    ):
        answer = await scene.owner.service.call(
            "POST", "/v1/graphql", scene.token(), json={"query": query}
        )
        assert "not for code in tasks" in answer.body["errors"][0]["message"], answer.body


async def test_it_ends_with_its_run(scene: Scene) -> None:
    access, refresh = scene.token(), scene.token("RunRefresh")
    await scene.post("workspaces/list", {}, 200, access)
    assert (await scene.renew(refresh)).status == 200
    await scene.end()
    refused = await scene.post("workspaces/list", {}, 401, access)
    assert "has ended" in refused["msg"]
    answer = await scene.renew(refresh)
    assert (answer.status, answer.body["error"]) == (401, "invalid_grant")


async def test_it_is_renewed_for_a_day_at_most_and_never_beyond_its_end(scene: Scene) -> None:
    long, short = scene.token("RunRefresh", 7 * 86400), scene.token("RunRefresh", 1000)
    first = (await scene.renew(long)).body
    assert first["refresh_token"] == long
    assert first["expires_in"] == 86400
    assert first["refresh_expires_in"] > 6 * 86400
    told = claims(first["access_token"])
    assert told["email"] == "member@example.org"
    assert (told["workspace"], told["typ"]) == (scene.workspace, "Run")
    await scene.post("workspaces/list", {}, 200, first["access_token"])
    assert (await scene.renew(short)).body["expires_in"] <= 1000


async def test_who_is_disabled_has_no_runs_that_may_call(service: Service, log: EventLog) -> None:
    email = f"{uuid4()}@example.org"
    id = await new_user(service, email)
    scene = await scene_of(World(service, log, await service.login(email)), id)
    async with users(service) as known:
        await known.disable(id)
    somebody = await new_user(service, f"{uuid4()}@example.org")
    async with users(service) as known:
        await known.disable(somebody)  # the api has never looked them up
    await scene.post("workspaces/list", {}, 401, scene.token(owner=str(somebody)))
    assert (await scene.renew(scene.token("RunRefresh", owner=str(somebody)))).status == 401


BAD: dict[str, Callable[[Scene], str]] = {
    "expired": lambda scene: scene.token(seconds=-1),
    "refresh": lambda scene: scene.token("RunRefresh"),
    "forged": lambda scene: scene.token(key=new_key()),
    "by users' key": lambda scene: scene.token(key=scene.owner.service.key),
    "no owner": lambda scene: scene.token(owner="scheduler"),
    "unknown owner": lambda scene: scene.token(owner=str(uuid4())),
    "unsigned": lambda _: "eyJhbGciOiJub25lIiwia2lkIjoidGFzayJ9.e30.",
}


@pytest.mark.parametrize("name", BAD)
async def test_tokens_that_are_none(scene: Scene, name: str) -> None:
    token = BAD[name](scene)
    assert is_one(token)
    refused = await scene.post("workspaces/list", {}, 401, token)
    assert refused["msg"].startswith("Authorization: ")


async def test_an_access_token_renews_nothing_and_says_no_more_than_users(scene: Scene) -> None:
    assert (await scene.renew(scene.token())).status == 401
    told = claims(scene.token())
    assert told["iss"] == scene.owner.service.url + REALM
    assert told["sub"] == scene.grant.owner
    assert told["azp"] == "sdk-client"


async def test_models_of_its_workspace_are_its_own_to_work_with(scene: Scene) -> None:
    version = await model_version(scene.owner, scene.workspace)
    by_number = {"model_version_id": version.number}
    order = {**by_number, "tensor_fields": ["tensor"]}
    made = await scene.post("models/insert_model_config", order, 200)
    assert made["model_config"]["tensor_fields"] == ["tensor"]
    listed = (await scene.post("models/list", {}, 200))["models"]
    assert [item["model"]["id"] for item in listed] == [version.model]
    query = f"{{ model_by_pk(id: {version.number}) {{ model_id }} }}"
    answer = await scene.owner.service.call(
        "POST", "/v1/graphql", scene.token(), json={"query": query}
    )
    assert answer.body["data"] == {"model_by_pk": {"model_id": "rf"}}


async def test_i8_models_of_its_owners_other_workspaces_are_closed_to_it(scene: Scene) -> None:
    version = await model_version(scene.owner, scene.elsewhere)
    by_number = {"model_version_id": version.number}
    await scene.owner.post("models/get_version_by_id", by_number)
    await scene.post("models/get_version_by_id", by_number, 403)
    await scene.post("models/insert_model_config", by_number, 403)
    await scene.post("models/list", {"workspace_id": scene.elsewhere}, 403)
    named = 'model(where: {model_id: {_eq: "rf"}}) { id }'
    query = f"{{ model_by_pk(id: {version.number}) {{ id }} {named} }}"
    answer = await scene.owner.service.call(
        "POST", "/v1/graphql", scene.token(), json={"query": query}
    )
    assert answer.body["data"] == {"model_by_pk": None, "model": []}
