"""The one table of routes: the handlers that serve them and the document that describes them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from services.api import (
    access,
    connections,
    members,
    orchestrations,
    requests,
    runs,
    tasks,
    wire,
    workspaces,
)
from services.api.call import Call, Resources
from services.api.graphql import serve
from services.api.identity import keycloak
from services.api.identity.tokens import Pair

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

_ALWAYS = (400, 401, 413, 503)
_BY_ID = (*_ALWAYS, 403, 404)


@dataclass(frozen=True)
class Route:
    """`answer` is what `handler` gives, sent as JSON with `status`, unless it gives a response.
    Where it is none, only the status is sent.

    A `body` of JSON is decoded for the handler; one of another `media` it reads itself.
    """

    method: str
    path: str
    handler: Callable[[Call, Any], Awaitable[Any]]
    body: Any
    answer: Any
    summary: str
    status: int = 200
    errors: tuple[int, ...] = _BY_ID
    media: str = JSON
    public: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        return "login" if self.public and self.body else _first(self.path)


def _first(path: str) -> str:
    """`task` of /v1/api/task/list."""
    return path.removeprefix("/v1").removeprefix("/api").split("/")[1]


def _post(
    path: str, handler: Callable[[Call, Any], Awaitable[Any]], body: Any, answer: Any, **more: Any
) -> Route:
    return Route("POST", "/v1/api/" + path, handler, body, answer, **more)


def _run(path: str, handler: Callable[[Call, Any], Awaitable[Any]], body: Any, how: str) -> Route:
    return _post(
        f"task/{path}",
        handler,
        body,
        wire.Created,
        summary=f"Run an orchestration {how}.",
        status=201,
        aliases=(f"/v1/api/orchestration/task/{path}",),
    )


async def _config(_: Call, __: None) -> wire.ClientConfig:
    return wire.ClientConfig(wire.ARCH)


ROUTES = (
    Route(
        "POST",
        keycloak.PATH,
        keycloak.token,
        keycloak.TokenForm,
        Pair,
        "Log in, or renew a login, for an access token.",
        errors=(400, 401, 429, 503),
        media=FORM,
        public=True,
    ),
    Route(
        "GET",
        "/v1/api/config",
        _config,
        None,
        wire.ClientConfig,
        "What a client needs to know before it logs in.",
        errors=(),
        public=True,
    ),
    _post(
        "workspaces/create",
        workspaces.create,
        requests.CreateWorkspace,
        wire.WorkspaceCreated,
        summary="Create a workspace that you own.",
        errors=(*_ALWAYS, 409),
    ),
    _post(
        "workspaces/list",
        workspaces.list_workspaces,
        requests.ListWorkspaces,
        wire.Workspaces,
        summary="Your workspaces; all of them for an administrator.",
        errors=(*_ALWAYS, 403),
    ),
    _post(
        "workspaces/list_users",
        members.list_members,
        requests.ListMembers,
        wire.Members,
        summary="A workspace's members.",
    ),
    _post(
        "workspaces/add_user",
        members.add,
        requests.AddMember,
        wire.Member,
        summary="Add a member to a workspace that you own, or change what they are.",
        errors=(*_BY_ID, 409),
    ),
    _post(
        "workspaces/remove_user",
        members.remove,
        requests.RemoveMember,
        wire.MemberRemoved,
        summary="Remove a member from a workspace that you own, or leave one.",
        errors=(*_BY_ID, 409),
    ),
    Route(
        "POST",
        serve.PATH,
        serve.graphql,
        serve.Request,
        serve.Answer,
        "GraphQL: what you may not see is null.",
        errors=_ALWAYS,
    ),
    _post(
        "orchestration/upload",
        orchestrations.upload,
        requests.UploadForm,
        wire.Created,
        summary="Upload an archive; it is packaged in the background.",
        status=202,
        errors=(*_BY_ID, 507),
        media=MULTIPART,
    ),
    _post(
        "orchestration/list",
        orchestrations.list_one,
        requests.ListOrchestrations,
        list[wire.Orchestration],
        summary="A workspace's orchestrations, oldest first.",
    ),
    _post(
        "orchestration/list_all",
        orchestrations.list_all,
        requests.ListAllOrchestrations,
        wire.OrchestrationItems,
        summary="Orchestrations with their tasks, oldest first.",
    ),
    _post(
        "orchestration/get_by_id",
        orchestrations.get_by_id,
        requests.OrchestrationById,
        wire.Orchestration,
        summary="One orchestration.",
    ),
    _post(
        "connections/create",
        connections.create,
        requests.CreateConnection,
        wire.Created,
        summary="Create a connection to a data source; its details are kept sealed.",
        errors=(*_ALWAYS, 409),
    ),
    _post(
        "connections/get",
        connections.get,
        requests.ConnectionByName,
        wire.Connection,
        summary="A connection by its name, with its details.",
    ),
    _post(
        "connections/get_by_id",
        connections.get_by_id,
        requests.ConnectionById,
        wire.Connection,
        summary="A connection, with its details.",
    ),
    _post(
        "connections/list",
        connections.list_connections,
        requests.ListConnections,
        wire.Connections,
        summary="Connections without their details, oldest first.",
    ),
    _post(
        "connections/add_to_workspace",
        connections.add_to_workspace,
        requests.Attachment,
        wire.Created,
        summary="Let the members of a workspace use a connection that you created.",
    ),
    _post(
        "connections/remove_from_workspace",
        connections.remove_from_workspace,
        requests.Attachment,
        None,
        summary="Take a connection out of a workspace.",
        status=204,
    ),
    _post(
        "connections/delete",
        connections.delete,
        requests.ConnectionByName,
        None,
        summary="Delete a connection; nobody can read its details after that.",
        status=204,
    ),
    _post(
        "connections/rotate_keys",
        connections.rotate_keys,
        requests.Nothing,
        wire.KeysRotated,
        summary="Protect all connections by the newest key of the ring.",
        errors=(*_ALWAYS, 403),
    ),
    _run("run_once", tasks.run_once, requests.RunTask, "once"),
    _run("run_scheduled", tasks.run_scheduled, requests.RunScheduled, "on a schedule"),
    _run("run_continuously", tasks.run_continuously, requests.RunTask, "again and again"),
    _post(
        "task/get_by_id",
        tasks.get_by_id,
        requests.TaskById,
        wire.Task,
        summary="One task, with its last runs.",
    ),
    _post(
        "task/list",
        tasks.list_tasks,
        requests.ListTasks,
        list[wire.Task],
        summary="Tasks, newest first.",
    ),
    _post(
        "task/get_tasks_by_orch_sha",
        tasks.by_sha,
        requests.TasksBySha,
        wire.TaskIds,
        summary="The tasks of every upload of the same bytes, newest first.",
        errors=_ALWAYS,
    ),
    _post(
        "task/kill",
        tasks.kill,
        requests.KillTask,
        wire.Task,
        summary="Stop a task for good, with all that runs of it.",
        status=202,
    ),
    _post(
        "task/pause",
        tasks.pause,
        requests.PauseTask,
        wire.Task,
        summary="Pause or resume a task's schedule.",
        status=202,
        errors=(*_BY_ID, 409),
    ),
    _post(
        "task/list_task_runs",
        runs.list_runs,
        requests.ListRuns,
        list[wire.TaskRun],
        summary="A task's runs, the last to change first.",
    ),
    _post(
        "task/get_run_details",
        runs.details,
        requests.RunDetails,
        wire.TaskRunDetails,
        summary="One run, and how it ended.",
    ),
    _post(
        "task/get_logs_for_run",
        runs.logs,
        requests.RunLogs,
        wire.Logs,
        summary="What a run has printed, a stamped line each.",
    ),
)


def add_routes(app: web.Application, resources: Resources) -> None:
    for route in ROUTES:
        handler = _handler(route, resources)
        for path in (route.path, *route.aliases):
            app.router.add_route(route.method, path, handler)


def _handler(route: Route, resources: Resources) -> Handler:
    decode = requests.decoder(route.body) if route.body and route.media == JSON else None

    async def handle(request: web.Request) -> web.StreamResponse:
        user = None if route.public else await access.authenticated(resources, request)
        body = decode(await request.read()) if decode else None
        answer = await route.handler(Call(resources, request, user), body)
        if isinstance(answer, web.StreamResponse):
            return answer
        if route.answer is None:
            return web.Response(status=route.status)
        sent = msgspec.json.encode(answer)
        return web.Response(status=route.status, body=sent, content_type=JSON)

    return handle
