"""The one table of routes: the handlers that serve them and the document that describes them."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from services.api import requests, wire
from services.api.access import authorize as access
from services.api.accounts.routes import IDENTITY_ROUTES
from services.api.admin.metrics import METRICS_ROUTES
from services.api.admin.routes import ADMIN_ROUTES
from services.api.append import idempotency
from services.api.connections import commands as connections
from services.api.events.routes import EVENT_ROUTES
from services.api.graphql import serve
from services.api.history.routes import HISTORY_ROUTES
from services.api.http.request_context import OPEN_TO_MACHINES, RequestContext, Resources
from services.api.http.route import ALWAYS, BY_ID, JSON, MULTIPART, Route, post
from services.api.orchestrations import commands as orchestrations
from services.api.runs import routes as runs
from services.api.runs.live_log import LOG_ROUTES
from services.api.subscriptions.routes import SUBSCRIPTION_ROUTES
from services.api.tasks import commands as tasks
from services.api.timeline.routes import TIMELINE_ROUTES
from services.api.workspaces import commands as workspaces
from services.api.workspaces import members


def _run(
    path: str,
    handler: Callable[[RequestContext, Any], Awaitable[Any]],
    body: Any,
    how: str,
    answer: type[wire.Created] = wire.Created,
) -> Route:
    return post(
        f"task/{path}",
        handler,
        body,
        answer,
        summary=f"Run an orchestration {how}.",
        status=201,
        errors=(*BY_ID, 409),
        aliases=(f"/v1/api/orchestration/task/{path}",),
        headers=(idempotency.HEADER,),
        machines=True,
    )


async def _config(_: RequestContext, __: None) -> wire.ClientConfig:
    return wire.ClientConfig(wire.ARCH)


ROUTES = (
    *IDENTITY_ROUTES,
    *ADMIN_ROUTES,
    *METRICS_ROUTES,
    *METRICS_ROUTES,
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
    post(
        "workspaces/create",
        workspaces.create,
        requests.CreateWorkspace,
        wire.WorkspaceCreated,
        summary="Create a workspace that you own.",
        errors=(*ALWAYS, 409),
        headers=(idempotency.HEADER,),
    ),
    post(
        "workspaces/list",
        workspaces.list_workspaces,
        requests.ListWorkspaces,
        wire.Workspaces,
        summary="Your workspaces; all of them for an administrator.",
        errors=(*ALWAYS, 403),
        machines=True,
    ),
    post(
        "workspaces/list_users",
        members.list_members,
        requests.ListMembers,
        wire.Members,
        summary="A workspace's members.",
    ),
    post(
        "workspaces/add_user",
        members.add,
        requests.AddMember,
        wire.Member,
        summary="Add a member to a workspace that you own, or change what they are.",
        errors=(*BY_ID, 409),
    ),
    post(
        "workspaces/remove_user",
        members.remove,
        requests.RemoveMember,
        wire.MemberRemoved,
        summary="Remove a member from a workspace that you own, or leave one.",
        errors=(*BY_ID, 409),
    ),
    Route(
        "POST",
        serve.PATH,
        serve.graphql,
        serve.Request,
        serve.Answer,
        "GraphQL: what you may not see is null.",
        errors=ALWAYS,
        machines=True,
    ),
    post(
        "orchestration/upload",
        orchestrations.upload,
        requests.UploadForm,
        wire.Created,
        summary="Upload an archive; it is packaged in the background.",
        status=202,
        errors=(*BY_ID, 409, 507),
        media=MULTIPART,
        headers=(idempotency.HEADER,),
        machines=True,
    ),
    post(
        "orchestration/list",
        orchestrations.list_one,
        requests.ListOrchestrations,
        list[wire.Orchestration],
        summary="A workspace's orchestrations, oldest first.",
        machines=True,
    ),
    post(
        "orchestration/list_all",
        orchestrations.list_all,
        requests.ListAllOrchestrations,
        wire.OrchestrationItems,
        summary="Orchestrations with their tasks, oldest first.",
        machines=True,
    ),
    post(
        "orchestration/get_by_id",
        orchestrations.get_by_id,
        requests.OrchestrationById,
        wire.Orchestration,
        summary="One orchestration.",
        machines=True,
    ),
    post(
        "connections/create",
        connections.create,
        requests.CreateConnection,
        wire.Created,
        summary="Create a connection to a data source; its details are kept sealed.",
        errors=(*ALWAYS, 409),
        headers=(idempotency.HEADER,),
    ),
    post(
        "connections/get",
        connections.get,
        requests.ConnectionByName,
        wire.Connection,
        summary="A connection by its name, with its details.",
        machines=True,
    ),
    post(
        "connections/get_by_id",
        connections.get_by_id,
        requests.ConnectionById,
        wire.Connection,
        summary="A connection, with its details.",
        machines=True,
    ),
    post(
        "connections/list",
        connections.list_connections,
        requests.ListConnections,
        wire.Connections,
        summary="Connections without their details, oldest first.",
        machines=True,
    ),
    post(
        "connections/add_to_workspace",
        connections.add_to_workspace,
        requests.Attachment,
        wire.Created,
        summary="Let the members of a workspace use a connection that you created.",
    ),
    post(
        "connections/remove_from_workspace",
        connections.remove_from_workspace,
        requests.Attachment,
        None,
        summary="Take a connection out of a workspace.",
        status=204,
    ),
    post(
        "connections/delete",
        connections.delete,
        requests.ConnectionByName,
        None,
        summary="Delete a connection; nobody can read its details after that.",
        status=204,
    ),
    post(
        "connections/rotate_keys",
        connections.rotate_keys,
        requests.Nothing,
        wire.KeysRotated,
        summary="Protect all connections by the newest key of the ring.",
        errors=(*ALWAYS, 403),
    ),
    _run("run_once", tasks.run_once, requests.RunTask, "once"),
    _run(
        "run_scheduled",
        tasks.run_scheduled,
        requests.RunScheduled,
        "on a schedule",
        wire.Scheduled,
    ),
    _run("run_continuously", tasks.run_continuously, requests.RunTask, "again and again"),
    post(
        "task/get_by_id",
        tasks.get_by_id,
        requests.TaskById,
        wire.Task,
        summary="One task, with its last runs.",
        machines=True,
    ),
    post(
        "task/list",
        tasks.list_tasks,
        requests.ListTasks,
        list[wire.Task],
        summary="Tasks, newest first.",
        machines=True,
    ),
    post(
        "task/get_tasks_by_orch_sha",
        tasks.by_sha,
        requests.TasksBySha,
        wire.TaskIds,
        summary="The tasks of every upload of the same bytes, newest first.",
        errors=ALWAYS,
        machines=True,
    ),
    post(
        "task/kill",
        tasks.kill,
        requests.KillTask,
        wire.Task,
        summary="Stop a task for good, with all that runs of it.",
        status=202,
        machines=True,
    ),
    post(
        "task/pause",
        tasks.pause,
        requests.PauseTask,
        wire.Task,
        summary="Pause or resume a task's schedule.",
        status=202,
        errors=(*BY_ID, 409),
        machines=True,
    ),
    post(
        "task/list_task_runs",
        runs.list_runs,
        requests.ListRuns,
        list[wire.TaskRun],
        summary="A task's runs, the last to change first.",
        machines=True,
    ),
    post(
        "task/get_run_details",
        runs.details,
        requests.RunDetails,
        wire.TaskRunDetails,
        summary="One run, and how it ended.",
        machines=True,
    ),
    post(
        "task/get_logs_for_run",
        runs.logs,
        requests.RunLogs,
        wire.Logs,
        summary="What a run has printed, a stamped line each.",
        machines=True,
    ),
    *LOG_ROUTES,
    *HISTORY_ROUTES,
    *TIMELINE_ROUTES,
    *EVENT_ROUTES,
    *SUBSCRIPTION_ROUTES,
)


def add_routes(app: web.Application, resources: Resources) -> None:
    for route in ROUTES:
        handler = _handler(route, resources)
        for path in (route.path, *route.aliases):
            app.router.add_route(route.method, path, handler)


def _handler(route: Route, resources: Resources) -> Handler:
    decode = requests.decoder(route.body) if route.body and route.media == JSON else None

    async def handle(request: web.Request) -> web.StreamResponse:
        request[OPEN_TO_MACHINES] = route.machines
        user = None if route.public else await access.authenticated(resources, request)
        body = decode(await request.read()) if decode else None
        answer = await route.handler(RequestContext(resources, request, user), body)
        if isinstance(answer, web.StreamResponse):
            return answer
        if route.answer is None:
            return web.Response(status=route.status)
        sent = msgspec.json.encode(answer)
        return web.Response(status=route.status, body=sent, content_type=JSON)

    return handle
