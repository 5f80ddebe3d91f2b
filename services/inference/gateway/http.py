"""The gateway for HTTP: inference as the SDK asks for it, and what other services want to know."""

import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import unquote
from uuid import UUID

import msgspec
from aiohttp import web

from libs.service.config import Secret
from services.inference.gateway.errors import NoAnswer, refusal
from services.inference.gateway.gateway import Call, Gateway
from services.inference.gateway.tickets import PIECE_BYTES, Result

PREFIX = "/v1/api/pipelines/infer/"
_TOKEN_HEADER = "Rondo-Internal-Token"  # noqa: S105 - its name

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Inspect = Callable[[UUID], object]
Seen = Callable[[int], Awaitable[bool]]


def create(
    gateway: Gateway, token: Secret, inspect: Inspect, seen: Seen, max_body: int
) -> web.Application:
    """`inspect` gives what is to be shown of a deployment, None for none; `seen` returns when the
    gateways have heard of a place in the log, False if that takes too long."""
    app = web.Application()
    routes = Routes(gateway, inspect, seen, max_body)
    app.router.add_post(PREFIX + "{deployment}/{pipeline}", routes.infer)
    app.router.add_get("/internal/deployments/{id}", _internal(routes.deployment, token))
    app.router.add_get("/internal/seen", _internal(routes.seen, token))
    return app


class Routes:
    """The handlers."""

    def __init__(self, gateway: Gateway, inspect: Inspect, seen: Seen, max_body: int) -> None:
        self._gateway = gateway
        self._inspect = inspect
        self._seen = seen
        self._max_body = max_body

    async def infer(self, request: web.BaseRequest) -> web.StreamResponse:
        """One inference. Errors are in the engine's shape."""
        try:
            call = _call(request)
            admitted = await self._gateway.permit(call)
            body = await _body(request, self._max_body)
        except NoAnswer as problem:
            return _refused(problem)
        result = await self._gateway.infer(call, admitted, body)
        if isinstance(result, NoAnswer):
            return _refused(result)
        return await _answered(request, result)

    async def deployment(self, request: web.Request) -> web.Response:
        """What it does at the moment, for its page and its status."""
        try:
            found = self._inspect(UUID(request.match_info["id"]))
        except ValueError:
            found = None
        if found is None:
            return _refused(refusal(404, "there is no such deployment"))
        return web.Response(body=msgspec.json.encode(found), content_type="application/json")

    async def seen(self, request: web.Request) -> web.Response:
        """200 once we know all deployment events up to `seq`."""
        text = request.query.get("seq", "")
        if not (text.isascii() and text.isdigit()):
            return _refused(refusal(400, "seq: give a place in the log"))
        good = await self._seen(int(text))
        return web.json_response({"seen": good}, status=200 if good else 503)


def _call(request: web.BaseRequest) -> Call:
    path, _, query = request.raw_path.partition("?")
    deployment, _, pipeline = path.removeprefix(PREFIX).partition("/")
    headers = request.headers
    return Call(
        authorization=headers.get("Authorization", ""),
        deployment=unquote(deployment),
        pipeline=unquote(pipeline),
        query=query,
        content_type=headers.get("Content-Type", ""),
        accept=headers.get("Accept", ""),
        format=headers.get("format", ""),
        traceparent=headers.get("traceparent", ""),
    )


async def _body(request: web.BaseRequest, most: int) -> bytes:
    """Of a length that is said beforehand nothing is taken in if it is too much."""
    parts: list[bytes] = []
    size = request.content_length or 0
    if size <= most:
        size = 0
        while size <= most and (part := await request.content.readany()):
            parts.append(part)
            size += len(part)
    if size <= most:
        return parts[0] if len(parts) == 1 else b"".join(parts)
    raise refusal(413, f"the body has more than {most >> 20} MiB; send fewer rows at a time")


async def _answered(request: web.BaseRequest, result: Result) -> web.StreamResponse:
    headers = {"Content-Type": result.reply.content_type}
    size = len(result.body)
    if size <= PIECE_BYTES:
        return web.Response(body=bytes(result.body), headers=headers)
    response = web.StreamResponse(headers=headers)
    response.content_length = size
    await response.prepare(request)
    for start in range(0, size, PIECE_BYTES):
        await response.write(result.body[start : start + PIECE_BYTES])
    return response


def _refused(problem: NoAnswer) -> web.Response:
    headers = {"Content-Type": "application/json"}
    return web.Response(status=problem.status, body=problem.body, headers=headers)


def _internal(handler: Handler, token: Secret) -> Handler:
    """Others are told that there is nothing."""
    expected = token.reveal().encode()

    async def authorize(request: web.Request) -> web.StreamResponse:
        header = request.headers.get(_TOKEN_HEADER, "").encode(errors="replace")
        if not hmac.compare_digest(header, expected):
            raise web.HTTPNotFound
        return await handler(request)

    return authorize
