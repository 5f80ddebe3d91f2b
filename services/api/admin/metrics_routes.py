"""Metrics for Prometheus: our own, and those of services that only we can reach.

Where services listen on sockets of this machine (`rondo up`), Prometheus can't call them.
"""

import hmac

import aiohttp
from aiohttp import web

from libs.domain.errors import Rejected, Unavailable
from libs.service.http import calling
from libs.telemetry.prometheus import METRICS_TYPE
from services.api.access import authorize as access
from services.api.http.authentication import authenticated
from services.api.http.request_context import RequestContext
from services.api.http.route import TEXT, Route

_TIMEOUT = aiohttp.ClientTimeout(total=10)


async def metrics(context: RequestContext, _: None = None) -> web.Response:
    """Our own metrics, for the token in RONDO_METRICS_TOKEN_FILE, or for an administrator."""
    await _may_read(context)
    return await context.runtime.telemetry.scrape(context.request)


async def of_service(context: RequestContext, _: None = None) -> web.Response:
    """The metrics of another service of this instance. Rights are those of `metrics`."""
    await _may_read(context)
    service = context.request.match_info["service"]
    listen = _scraped(context.runtime.config.scraped).get(service)
    if listen is None:
        raise Rejected(
            "not_found", f"service: {service} is not scraped here; scrape it where it listens"
        )
    try:
        async with calling(listen) as session, session.get("metrics", timeout=_TIMEOUT) as answer:
            body = await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable(f"the service {service}: {error!r}") from error
    return web.Response(body=body, headers={"Content-Type": METRICS_TYPE})


def _scraped(text: str) -> dict[str, str]:
    """Addresses of services by name, from `name=address` separated by spaces."""
    return dict(pair.split("=", 1) for pair in text.split(" ") if pair)


async def _may_read(context: RequestContext) -> None:
    if not _shows_metrics_token(context):
        access.administrator(await authenticated(context.resources, context.request))


def _shows_metrics_token(context: RequestContext) -> bool:
    token = context.runtime.config.metrics_token
    if token is None:
        return False
    credentials = context.request.headers.get("Authorization", "").encode(errors="replace")
    return hmac.compare_digest(credentials, b"Bearer " + token.reveal().encode())


METRICS_ROUTES = (
    Route(
        "GET",
        "/metrics",
        metrics,
        None,
        str,
        "Metrics of the API service, for Prometheus.",
        errors=(401, 403),
        public=True,
        answer_media=TEXT,
    ),
    Route(
        "GET",
        "/metrics/{service}",
        of_service,
        None,
        str,
        "Metrics of another service, where it listens on a socket that only the API reaches.",
        errors=(401, 403, 404, 503),
        public=True,
        answer_media=TEXT,
    ),
)
