"""The HTTP side: a run's log as text, for the api service, which knows who may see it.

Answers are streams of stamped lines, each ended by a line feed. An answer that breaks off midway
ends its connection without the last chunk, so that nobody takes a part for the whole.
"""

import hmac
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from uuid import UUID

from aiohttp import web

from libs.domain.errors import Code, Rejected, Unavailable
from libs.service.config import Secret
from services.logs.read import Reader

logger = logging.getLogger(__name__)

EXPECT_TIMEOUT_SECONDS = 5.0
_MAX_DIGITS = 15
_UNLIMITED = 10**_MAX_DIGITS
_DEFAULT_LIMIT = 1000

_STATUS: Mapping[Code, int] = {"invalid": 400, "unauthorized": 401}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create(reader: Reader, token: Secret) -> web.Application:
    """The application; whoever calls it shows `token` as Bearer."""
    app = web.Application(middlewares=[_errors])
    routes = Routes(reader)
    for path, handler in {
        "/runs/{run_id}/lines": routes.lines,
        "/runs/{run_id}/search": routes.search,
        "/runs/{run_id}/follow": routes.follow,
    }.items():
        app.router.add_get(path, _authorized(handler, token))
    return app


class Routes:
    """The handlers. Each raises Rejected for parameters that make no sense."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def lines(self, request: web.Request) -> web.StreamResponse:
        """All lines, the `last` so many, or `count` lines from `from` on.

        With `expect` it waits for so many lines, but at most EXPECT_TIMEOUT_SECONDS.
        """
        run = _run(request)
        last, first = _number(request, "last"), _number(request, "from")
        expect, count = _number(request, "expect"), _number(request, "count")
        if last is not None and (first is not None or count is not None):
            raise Rejected("invalid", "last: give either last, or from and count")
        extent = await self._reader.wait_for(run, expect or 0, EXPECT_TIMEOUT_SECONDS)
        if last is not None:
            first, count = max(extent.end - last, 0), last
        text = self._reader.range(run, first or 0, _UNLIMITED if count is None else count)
        complete = extent.line_count >= (expect or 0)
        headers = {
            "Rondo-Complete": str(complete).lower(),
            "Rondo-Lines": str(extent.line_count),
            "Rondo-End": str(extent.end),
            "Rondo-First": str(await self._reader.first(run, first or 0)),
        }
        return await _stream(request, text, headers)

    async def search(self, request: web.Request) -> web.StreamResponse:
        """`<number>:<line>` of the first `limit` lines that hold `text`."""
        text = request.query.get("text", "")
        if not text or "\n" in text:
            raise Rejected("invalid", "text: give the text to search for, within one line")
        ignore_case = request.query.get("ignore_case", "false")
        if ignore_case not in ("true", "false"):
            raise Rejected("invalid", "ignore_case: give true or false")
        limit = _number(request, "limit")
        if limit == 0:
            raise Rejected("invalid", "limit: give at least 1, or leave it out")
        matches = self._reader.search(
            _run(request), text, limit or _DEFAULT_LIMIT, ignore_case=ignore_case == "true"
        )
        numbered = (b"%d:%s\n" % (one.number, one.line) async for one in matches)
        return await _stream(request, numbered)

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """The lines from `from` on, until the run has ended."""
        run = _run(request)
        first = await self._reader.first(run, _number(request, "from") or 0)
        headers = {"Rondo-First": str(first)}
        return await _stream(request, self._reader.follow(run, first), headers)


async def _stream(
    request: web.Request,
    pieces: AsyncGenerator[bytes, None],
    headers: Mapping[str, str] | None = None,
) -> web.StreamResponse:
    """Empty pieces are not sent: they ask whether the caller is still there."""
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    response.headers.update(headers or {})
    await response.prepare(request)
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                if request.transport is None or request.transport.is_closing():
                    break
                if piece:
                    await response.write(piece)
    except Unavailable as problem:
        logger.warning("the answer to %s breaks off: %s", request.path, problem)
        raise ConnectionAbortedError(str(problem)) from problem
    return response


def _run(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["run_id"])
    except ValueError:
        raise Rejected("invalid", "run_id: give a run's id, which is a UUID") from None


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise Rejected(
            "invalid", f"{name}: {text[:40]!r} is no number of lines; give one such as 100"
        )
    return int(text)


def _authorized(handler: Handler, token: Secret) -> Handler:
    expected = f"Bearer {token.reveal()}".encode()

    async def authorize(request: web.Request) -> web.StreamResponse:
        header = request.headers.get("Authorization", "").encode(errors="replace")
        if not hmac.compare_digest(header, expected):
            raise Rejected("unauthorized", "Authorization: give the internal token as Bearer")
        return await handler(request)

    return authorize


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Rejected as refused:
        body = {"code": refused.code, "msg": refused.message}
        return web.json_response(body, status=_STATUS.get(refused.code, 400))
    except Unavailable as problem:
        return web.json_response({"code": "unavailable", "msg": str(problem)}, status=503)
