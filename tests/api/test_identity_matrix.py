"""Who may call which route (I8): a row a route, and a route without a row fails."""

import json
from typing import Any
from unittest.mock import Mock
from uuid import UUID, uuid4

import pytest

from libs.eventlog.log import EventLog
from services.api.app import application
from services.api.dashboard.pages import PAGES
from services.api.gateway import TOKEN_HEADER
from services.api.http.route import MULTIPART, Route
from services.api.routes import ROUTES
from tests.api.access_scene import Scene, make_scene
from tests.api.access_table import (
    ALL,
    CALLERS,
    EXPECTED,
    INTERNAL_PATHS,
    MACHINES,
    OPEN_PATHS,
    PUBLIC,
)
from tests.api.callers import MEMBER
from tests.api.service import Service
from tests.api.test_run_tokens import scene_of
from tests.api.world import HELLO, World, form, new_user


def test_every_route_says_who_may_call_it() -> None:
    assert {_short(route) for route in ROUTES if not route.public} == EXPECTED.keys()


def test_only_these_routes_need_no_login() -> None:
    assert {_short(route) for route in ROUTES if route.public} == PUBLIC


def test_every_path_is_in_a_table() -> None:
    """Nothing is asked of the resources before somebody calls."""
    served = application(Mock(), Mock()).router.resources()
    tables = {path for route in ROUTES for path in (route.path, *route.aliases)}
    tables |= {page.path for page in PAGES}
    assert {one.canonical for one in served} - tables == OPEN_PATHS | INTERNAL_PATHS


@pytest.mark.parametrize("path", INTERNAL_PATHS)
async def test_what_is_internal_is_not_there_without_the_internal_token(
    service: Service, world: World, path: str
) -> None:
    for headers in ({}, {TOKEN_HEADER: "wrong"}, {TOKEN_HEADER: world.token}):
        assert (await service.call("GET", path, world.token, headers=headers)).status == 404


def test_only_these_routes_are_open_to_runs_and_service_tokens() -> None:
    assert {_short(route) for route in ROUTES if route.machines} == MACHINES


async def test_a_service_token_is_refused_on_every_other_route(
    service: Service, log: EventLog, people: dict[str, Any]
) -> None:
    owner, _ = await _new_owner(service, log)
    scene = await make_scene(owner, people[MEMBER])
    robot = await _robot(owner, scene.workspace)
    closed = [route for route in ROUTES if not route.public and not route.machines]
    found = {_short(route): await _status(service, route, scene, robot) for route in closed}
    assert found == dict.fromkeys(found, 403)


async def test_i8_runs_and_service_tokens_reach_no_other_workspace_of_their_owner(
    service: Service, log: EventLog, people: dict[str, Any]
) -> None:
    owner, id = await _new_owner(service, log)
    scene, run = await make_scene(owner, people[MEMBER]), await scene_of(owner, id)
    elsewhere = (run.token(), await _robot(owner, run.workspace))
    found = {
        _short(route): [await _status(service, route, scene, token) for token in elsewhere]
        for route in ROUTES
        if not route.public
    }
    assert found == {name: [_of_machine(name)] * len(elsewhere) for name in found}


async def test_who_may_call_what(
    service: Service, world: World, log: EventLog, people: dict[str, Any]
) -> None:
    owner, _ = await _new_owner(service, log)
    scene = await make_scene(owner, people[MEMBER])
    tokens = {
        "nobody": None,
        "outsider": await service.login("outsider@example.org"),
        "collaborator": await service.login(MEMBER),
        "owner": owner.token,
        "admin": world.token,
    }
    # What ends the task or the deployment that the others ask for comes last.
    last = ("task/kill", "pipelines/undeploy")
    routes = sorted(ROUTES, key=lambda route: route.path.endswith(last))
    found = {
        _short(route): [await _status(service, route, scene, tokens[who]) for who in CALLERS]
        for route in routes
        if not route.public
    }
    assert found == {name: _statuses(name) for name in found}


async def _new_owner(service: Service, log: EventLog) -> tuple[World, UUID]:
    """Who is no administrator."""
    email = f"{uuid4()}@example.org"
    id = await new_user(service, email)
    return World(service, log, await service.login(email)), id


async def _robot(owner: World, workspace: int) -> str:
    """A service token for that workspace."""
    body = {"name": "robot", "workspaces": [workspace]}
    return str((await owner.post("tokens/create", body))["secret"])


def _short(route: Route) -> str:
    put = "PUT " if route.method == "PUT" else ""
    return put + route.path.removeprefix("/v1/api/")


def _of_machine(name: str) -> int:
    """For one that may enter only another workspace."""
    _, first, status = EXPECTED[name]
    return status if first == ALL and name in MACHINES else 403


def _statuses(name: str) -> list[int]:
    _, first, status = EXPECTED[name]
    return [401, *([403] * (first - 1)), *([status] * (len(CALLERS) - first))]


async def _status(service: Service, route: Route, scene: Scene, token: str | None) -> int:
    body, *_ = EXPECTED[_short(route)]
    if route.media == MULTIPART:
        metadata = {"workspace_id": scene.workspace, "conversion": {"framework": "none"}}
        sent: dict[str, Any] = {"data": form(HELLO, json.dumps(metadata))}
    else:
        sent = {"json": body(scene)} if route.body else {}
    return (await service.call(route.method, _path(route, scene), token, **sent)).status


def _path(route: Route, scene: Scene) -> str:
    """With what is there in place of the names in braces."""
    path = route.path.replace("{aggregate}", "run").replace("{run}", scene.run)
    path = path.replace("{topic}", f"workspace-{scene.workspace}-pipeline-p-inference")
    if path.endswith("/upload_stream"):
        return f"{path}?workspace_id={scene.workspace}&name=no+name"
    if path.endswith("/timeline"):
        return f"{path}?workspace_id={scene.workspace}"
    return path.replace("{id}", scene.run if "/history/" in path else scene.somebody)
