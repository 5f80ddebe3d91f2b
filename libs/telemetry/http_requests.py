"""The requests that a service answers, as metrics and as spans."""

import time

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from libs.telemetry import log_format
from libs.telemetry.registry import MetricRegistry, Reading
from libs.telemetry.tracing import Tracing

_METHODS = hdrs.METH_ALL  # any other word is one that a caller made up


class RequestMetrics:
    """Requests by route, method and status. Streams are counted but not timed: they last as long
    as their readers like."""

    def __init__(self, metrics: MetricRegistry, tracing: Tracing) -> None:
        self._requests = metrics.counter(
            "rondo_http_requests", "Requests that were answered.", "method", "route", "code"
        )
        self._seconds = metrics.histogram(
            "rondo_http_request_duration_seconds", "Time to a whole answer.", "method", "route"
        )
        self._tracing = tracing
        self._open = 0
        metrics.source(self._read)

    @property
    def middleware(self) -> Middleware:
        """The outermost one."""

        @web.middleware
        async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
            route, parent = _route(request), request.headers.get("traceparent", "")
            method = request.method if request.method in _METHODS else "other"
            began, code, whole = time.perf_counter(), 500, True
            self._open += 1
            try:
                with (
                    self._tracing.span(f"{method} {route}", "server", parent, {}) as span,
                    log_format.log_context(trace_id=span.trace_id),
                ):
                    response = await handler(request)
                    code, whole = response.status, isinstance(response, web.Response)
                    span.set(status=code)
                    return response
            except web.HTTPException as refusal:
                code = refusal.status
                raise
            finally:
                self._open -= 1
                self._requests.of(method, route, str(code)).add()
                if whole:
                    self._seconds.of(method, route).observe(time.perf_counter() - began)

        return counted

    async def _read(self) -> list[Reading]:
        return [Reading("rondo_http_requests_open", "Requests under way.", self._open)]


def _route(request: web.Request) -> str:
    """The pattern that the path met, so that there are no more of them than routes."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "none"
