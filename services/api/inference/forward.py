"""Inferences come in where all else does, and go to the inference service as they are."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from libs.domain.errors import Unavailable
from services.api.deployments.paths import INFER
from services.api.http.request_context import REQUEST_ID, RequestContext
from services.api.http.route import Route
from services.api.inference.refusal import EngineError, InferenceRefused

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.25  # so often, is whoever asked still there?
_WHOLE_BYTES = 256 << 10  # an answer up to this size is sent at once
# They concern one connection (RFC 9110, 7.6.1), or are written anew.
_OWN = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"),
        *("upgrade", "expect", "host", "date", "server", "x-request-id"),
    }
)

_PACKED = frozenset({"content-encoding", "content-length"})


async def infer(context: RequestContext, _: None) -> web.StreamResponse:
    """Who may infer, the gateway asks us; see permit.py. Whoever hangs up has it cancelled."""
    request = context.request
    body = request.content if request.body_exists else None
    async with _while_there(request):
        try:
            answer = await context.gateway.infer(request.raw_path, _headers(request), body)
            async with answer:
                return await _forwarded(request, answer)
        except Unavailable as problem:
            logger.warning("an inference: %s", problem)
            raise request.content.exception() or _away() from None


def _away() -> InferenceRefused:
    """Without a Retry-After: see NoAnswer in services/inference/gateway/errors.py."""
    return InferenceRefused(503, "unavailable", "the inference service is away; try again")


def _headers(request: web.Request) -> dict[str, str]:
    """A body that was compressed is so no more: what reads the request unpacks it."""
    unpacked = _PACKED if "Content-Encoding" in request.headers else frozenset()
    headers = {
        name: text
        for name, text in request.headers.items()
        if name.lower() not in _OWN and name.lower() not in unpacked
    }
    return {**headers, "X-Request-Id": request[REQUEST_ID]}


@asynccontextmanager
async def _while_there(request: web.Request) -> AsyncIterator[None]:
    """Ends the block once the connection is closed."""
    loop = asyncio.get_running_loop()
    next_look: asyncio.TimerHandle | None = None

    def look() -> None:
        nonlocal next_look
        if request.transport is None or request.transport.is_closing():
            scope.reschedule(loop.time())
        else:
            next_look = loop.call_later(_LOOK_SECONDS, look)

    try:
        async with asyncio.timeout(None) as scope:
            next_look = loop.call_later(_LOOK_SECONDS, look)
            yield
    except TimeoutError:
        raise ConnectionResetError("nobody is there any more") from None
    finally:
        if next_look:
            next_look.cancel()


async def _forwarded(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    headers = {name: text for name, text in answer.headers.items() if name.lower() not in _OWN}
    try:
        if answer.content_length is not None and answer.content_length <= _WHOLE_BYTES:
            return web.Response(status=answer.status, headers=headers, body=await answer.read())
    except aiohttp.ClientError as error:
        raise Unavailable(f"the inference service: {error!r}") from error
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    try:
        async for piece in answer.content.iter_any():
            await response.write(piece)
        await response.write_eof()
    except aiohttp.ClientError:
        if request.transport is not None:
            request.transport.abort()  # so that nobody takes a part for the whole
    return response


async def completions(_: RequestContext, __: None) -> web.StreamResponse:
    raise InferenceRefused(
        501, "not_implemented", "no large language models are served here; use infer"
    )


def _language_model(path: str) -> Route:
    return Route(
        "POST",
        f"{INFER}/openai/v1/{path}",
        completions,
        None,
        EngineError,
        "Always refused.",
        status=501,
        errors=(),
        public=True,
    )


INFERENCE_ROUTES = (
    Route(
        "POST",
        INFER,
        infer,
        None,
        list[dict[str, Any]],
        "Infer, as JSON or as an Arrow file; with an access token, as everywhere.",
        errors=(400, 401, 403, 404, 413, 503),
        public=True,
    ),
    _language_model("completions"),
    _language_model("chat/completions"),
)
