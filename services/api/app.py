"""The web application: middlewares around the table of routes, its description, and health."""

import re
from functools import cache
from uuid import uuid4

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from libs.eventlog import hold
from libs.eventlog.nats_client import Nats
from libs.service.http import add_health
from libs.telemetry import log_format
from services.api.dashboard.error_pages import problems
from services.api.dashboard.pages import add_pages
from services.api.http.errors import errors
from services.api.http.openapi import document
from services.api.http.openapi_page import page
from services.api.http.request_context import REQUEST_ID
from services.api.inference import permit
from services.api.resources import Resources
from services.api.routes import ROUTES, add_routes

MOST_BODY = 1 << 20

_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


def application(resources: Resources, nats: Nats) -> web.Application:
    app = web.Application(middlewares=[_request_id, problems, errors], client_max_size=MOST_BODY)
    add_routes(app, resources)
    add_pages(app, resources)
    app.router.add_get(permit.PATH, permit.permit(resources))
    _add_description(app, resources.runtime.config.public_url)
    app.on_shutdown.append(resources.store.tail.close)

    async def caught_up() -> None:
        await resources.store.position.reached(await resources.store.log.end(), 2)

    async def logs() -> None:
        await resources.contents.logs.check()

    checks = {
        "postgres": resources.store.rows.check,
        "nats": nats.check,
        "blobs": resources.contents.blobs.check,
        "projection": caught_up,
        "logs": logs,
    }

    async def about() -> dict[str, object]:
        state = await hold.current(nats)
        return {"held": str(state)} if state else {}

    add_health(app, checks, about)
    resources.runtime.telemetry.add_to(app, scraped=False)
    return app


@web.middleware
async def _request_id(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request the caller's id or a new one; it goes into the events that follow."""
    request_id = request.headers.get("X-Request-Id", "")
    request[REQUEST_ID] = request_id if _REQUEST_ID.fullmatch(request_id) else str(uuid4())
    with log_format.log_context(request_id=request[REQUEST_ID]):
        response = await handler(request)
    if not response.prepared:
        response.headers["X-Request-Id"] = request[REQUEST_ID]
    return response


def _add_description(app: web.Application, url: str) -> None:
    """The description is made at its first use: it takes three MiB that most instances don't
    need."""

    @cache
    def described() -> tuple[bytes, str]:
        description = document(ROUTES, url)
        return msgspec.json.encode(description), page(description)

    async def openapi(_: web.Request) -> web.Response:
        return web.Response(body=described()[0], content_type="application/json")

    async def docs(_: web.Request) -> web.Response:
        return web.Response(text=described()[1], content_type="text/html", headers=_SECURITY)

    app.router.add_get("/v1/api/openapi.json", openapi)
    app.router.add_get("/v1/api/docs", docs)
