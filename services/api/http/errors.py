"""Errors as HTTP: a status and `{"code", "msg", "reason"}`.

`reason` is a stable word for programs; `msg` is for people, names the field and says what to do.
"""

import logging
from collections.abc import Mapping
from uuid import uuid4

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from libs.domain.errors import Code, Rejected, Unavailable
from services.api.append.store import NotVisibleYet

logger = logging.getLogger(__name__)

NOT_VISIBLE_YET = "not_visible_yet"
RETRY = {"Retry-After": "1"}
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="rondo"'}

STATUS: dict[Code, int] = {
    "invalid": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "no_space": 507,
}


class Error(msgspec.Struct, omit_defaults=True):
    """`id` names the accepted thing (not_visible_yet), or the entry in the server's log (500)."""

    code: int
    msg: str
    reason: str
    id: str | None = None


class Refusal(Exception):
    """An error that belongs to HTTP, of which the domain knows nothing."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body: msgspec.Struct = Error(status, message, reason, id)


class GrantError(msgspec.Struct):
    error: str
    error_description: str


class GrantRefused(Refusal):
    """An error in the form of OAuth (RFC 6749, 5.2)."""

    def __init__(
        self, status: int, error: str, description: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, error, description, headers)
        self.body = GrantError(error, description)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Exception as problem:
        refusal = _refusal(problem, request)
    return web.Response(
        status=refusal.status,
        body=msgspec.json.encode(refusal.body),
        content_type="application/json",
        headers=refusal.headers,
    )


def _refusal(problem: Exception, request: web.Request) -> Refusal:
    match problem:
        case Refusal():
            return problem
        case NotVisibleYet(id=id):
            return Refusal(503, NOT_VISIBLE_YET, str(problem), RETRY, id)
        case Rejected(code="unauthorized", message=message):
            return Refusal(401, "unauthorized", message, CHALLENGE)
        case Rejected(code=code, message=message):
            return Refusal(STATUS[code], code, message)
        case Unavailable():
            logger.warning("%s %s: %s", request.method, request.path, problem)
            return Refusal(503, "unavailable", "a server that this needs is away; try again", RETRY)
        case web.HTTPException():
            return _of_aiohttp(problem)
        case web.RequestPayloadError():
            return Refusal(400, "invalid", f"body: {_line(problem)}; send it again, as it is")
        case ConnectionError():
            return Refusal(400, "invalid", "body: it ended early; send it again")
    id = str(uuid4())
    logger.error("%s %s failed, id %s", request.method, request.path, id, exc_info=problem)
    return Refusal(500, "internal", f"this is our fault; it is in the log as {id}", id=id)


def _line(problem: Exception) -> str:
    """The message of a parser, on one line and without the status in front."""
    return " ".join(str(problem).split()).removeprefix("400, message: ")


def _of_aiohttp(problem: web.HTTPException) -> Refusal:
    match problem.status:
        case 404:
            return Refusal(404, "not_found", "path: there is nothing here; see /v1/api/docs")
        case 405:
            allow = problem.headers.get("Allow", "")
            return Refusal(
                405,
                "method_not_allowed",
                f"method: use {allow}; see /v1/api/docs",
                {"Allow": allow},
            )
        case 413:
            return too_large("body", 1 << 20)
    return Refusal(problem.status, "invalid", f"request: {problem.reason}; see /v1/api/docs")


def too_large(what: str, limit: int) -> Refusal:
    return Refusal(413, "too_large", f"{what}: more than {limit} bytes; send less")
