"""A route as data: its handler, what goes in and comes out, and who may use it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from services.api.http.request_context import RequestContext

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
BYTES = "application/octet-stream"
HTML = "text/html"
TEXT = "text/plain"
EVENTS = "text/event-stream"

ALWAYS = (400, 401, 413, 503)
BY_ID = (*ALWAYS, 403, 404)


@dataclass(frozen=True)
class Route:
    """One row of the table of routes.

    `answer` is the type that `handler` returns; it is sent as JSON with `status`. A handler may
    also return a response of its own. Without an `answer` only the status is sent.

    Code in runs and programs with a service token may call it only if `machines` is true.

    A `body` of JSON is decoded for the handler; one of another `media` it reads itself. `query` are
    the names of what may stand behind the path, `headers` of those that it reads, all of them texts
    and none needed.
    """

    method: str
    path: str
    handler: Callable[[RequestContext, Any], Awaitable[Any]]
    body: Any
    answer: Any
    summary: str
    status: int = 200
    errors: tuple[int, ...] = BY_ID
    media: str = JSON
    public: bool = False
    machines: bool = False
    aliases: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    answer_media: str = JSON
    headers: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        return "login" if self.public and self.body else _first(self.path)


def _first(path: str) -> str:
    """`task` of /v1/api/task/list."""
    return path.removeprefix("/v1").removeprefix("/api").split("/")[1]


def post(
    path: str,
    handler: Callable[[RequestContext, Any], Awaitable[Any]],
    body: Any,
    answer: Any,
    **more: Any,
) -> Route:
    return Route("POST", "/v1/api/" + path, handler, body, answer, **more)
