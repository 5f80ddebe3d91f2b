"""The route of GraphQL: errors are part of the answer, whose status is 200.

The schema is built at the first query: it takes a tenth of a second, and some MiB.
"""

import logging
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from aiohttp import web

from libs.domain.errors import Rejected, Unavailable
from services.api.append.store import NotVisibleYet
from services.api.graphql.resolvers import RESOLVERS
from services.api.http.errors import NOT_VISIBLE_YET, Refusal
from services.api.http.request_context import RequestContext

if TYPE_CHECKING:
    from services.api.graphql.engine.engine import Engine
    from services.api.graphql.plan import Problem

logger = logging.getLogger(__name__)

PATH = "/v1/graphql"


class Request(msgspec.Struct, rename="camel"):
    """`operation_name` is needed only if the document has several operations."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None


class Answer(msgspec.Struct):
    """`data` has the shape that the query asks for."""

    data: dict[str, Any] | None = None
    errors: list[dict[str, Any]] = []


def _explain(_: RequestContext, error: Exception) -> "Problem":
    match error:
        case Rejected(code=code, message=message):
            return _problem(message, code)
        case NotVisibleYet():
            return _problem(str(error), NOT_VISIBLE_YET)
        case Refusal():
            return _problem(str(error), getattr(error.body, "reason", "refused"))
        case Unavailable():
            logger.warning("graphql: %s", error)
            return _problem("a server that this needs is away; try again", "unavailable")
    id = str(uuid4())
    logger.error("graphql failed, id %s", id, exc_info=error)
    return _problem(f"this is our fault; it is in the log as {id}", "internal")


def _problem(message: str, reason: str) -> "Problem":
    return {"message": message, "extensions": {"reason": reason}}


@cache
def engine() -> "Engine":
    from services.api.graphql.engine.engine import Engine

    folder = files("services.api.graphql")
    sdl = "\n".join((folder / f"{name}.graphql").read_text() for name in ("platform", "models"))
    return Engine(sdl, RESOLVERS, _explain)


async def graphql(context: RequestContext, body: Request) -> web.Response:
    answer = await engine().answer(body.query, body.variables, body.operation_name, context)
    return web.Response(body=answer, content_type="application/json")
