"""The one table of routes: the handlers that serve them and the document that describes them."""

from typing import Literal

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from services.api.absent.routes import ABSENT_ROUTES
from services.api.accounts.login_routes import LOGIN_ROUTES
from services.api.accounts.routes import ACCOUNT_ROUTES
from services.api.admin.metrics_routes import METRICS_ROUTES
from services.api.admin.routes import ADMIN_ROUTES
from services.api.connections.routes import CONNECTION_ROUTES
from services.api.deployments.routes import DEPLOYMENT_ROUTES
from services.api.events.routes import EVENT_ROUTES
from services.api.fields import ARCH
from services.api.graphql import serve
from services.api.history.routes import HISTORY_ROUTES
from services.api.http.authentication import OPEN_TO_MACHINES, authenticated
from services.api.http.decode import decoder
from services.api.http.request_context import RequestContext
from services.api.http.route import ALWAYS, JSON, Route
from services.api.inference.forward import INFERENCE_ROUTES
from services.api.models.routes import MODEL_ROUTES
from services.api.orchestrations.routes import ORCHESTRATION_ROUTES
from services.api.pipeline_logs.routes import PIPELINE_LOG_ROUTES
from services.api.pipelines.routes import PIPELINE_ROUTES
from services.api.resources import Resources
from services.api.runs.routes import RUN_ROUTES
from services.api.subscriptions.routes import SUBSCRIPTION_ROUTES
from services.api.tasks.routes import TASK_ROUTES
from services.api.timeline.routes import TIMELINE_ROUTES
from services.api.workspaces.routes import WORKSPACE_ROUTES


class ClientConfig(msgspec.Struct):
    default_arch: Literal["x86", "arm"]


async def _config(_: RequestContext, __: None) -> ClientConfig:
    return ClientConfig(ARCH)


ROUTES = (
    *LOGIN_ROUTES,
    *ACCOUNT_ROUTES,
    *ADMIN_ROUTES,
    *METRICS_ROUTES,
    Route(
        "GET",
        "/v1/api/config",
        _config,
        None,
        ClientConfig,
        "What a client needs to know before it logs in.",
        errors=(),
        public=True,
    ),
    *WORKSPACE_ROUTES,
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
    *ORCHESTRATION_ROUTES,
    *MODEL_ROUTES,
    *CONNECTION_ROUTES,
    *TASK_ROUTES,
    *RUN_ROUTES,
    *HISTORY_ROUTES,
    *TIMELINE_ROUTES,
    *EVENT_ROUTES,
    *SUBSCRIPTION_ROUTES,
    *PIPELINE_ROUTES,
    *DEPLOYMENT_ROUTES,
    *PIPELINE_LOG_ROUTES,
    *INFERENCE_ROUTES,
    *ABSENT_ROUTES,
)


def add_routes(app: web.Application, resources: Resources) -> None:
    for route in ROUTES:
        handler = _handler(route, resources)
        for path in (route.path, *route.aliases):
            app.router.add_route(route.method, path, handler)


def _handler(route: Route, resources: Resources) -> Handler:
    decode = decoder(route.body) if route.body and route.media == JSON else None

    async def handle(request: web.Request) -> web.StreamResponse:
        request[OPEN_TO_MACHINES] = route.machines
        user = None if route.public else await authenticated(resources, request)
        body = decode(await request.read()) if decode else None
        answer = await route.handler(RequestContext(resources, request, user), body)
        if isinstance(answer, web.StreamResponse):
            return answer
        if route.answer is None:
            return web.Response(status=route.status)
        sent = msgspec.json.encode(answer)
        return web.Response(status=route.status, body=sent, content_type=JSON)

    return handle
