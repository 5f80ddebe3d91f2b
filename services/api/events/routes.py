"""The routes for reading events, and for their description, which needs no token."""

from typing import Any

import msgspec
from aiohttp import web

from services.api.events import handlers
from services.api.events.asyncapi import document
from services.api.events.catalogue import page
from services.api.events.filter_parsing import NAMES
from services.api.http import sse
from services.api.http.request_context import RequestContext
from services.api.http.route import BY_ID, HTML, JSON, Route

_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


async def _asyncapi(context: RequestContext, _: None) -> web.Response:
    description = document(context.runtime.config.public_url)
    return web.Response(body=msgspec.json.encode(description), content_type=JSON)


async def _catalogue(context: RequestContext, _: None) -> web.Response:
    html = page(document(context.runtime.config.public_url))
    return web.Response(text=html, content_type=HTML, headers=_SECURITY)


EVENT_ROUTES = (
    Route(
        "GET",
        handlers.PATH,
        handlers.events,
        None,
        handlers.EventPage,
        "Events as a page; with `Accept: text/event-stream` as they come, each with its sequence"
        " as its id.",
        errors=BY_ID,
        query=NAMES,
        headers=(sse.LAST_ID,),
        machines=True,
    ),
    Route(
        "GET",
        f"{handlers.PATH}/asyncapi.json",
        _asyncapi,
        None,
        dict[str, Any],
        "All events, described as AsyncAPI 3.",
        errors=(),
        public=True,
    ),
    Route(
        "GET",
        f"{handlers.PATH}/catalogue",
        _catalogue,
        None,
        str,
        "All events, as a page to read.",
        errors=(),
        public=True,
        answer_media=HTML,
    ),
)
