"""Errors as pages for browsers; services/api/http/errors.py has them as JSON."""

from urllib.parse import quote

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from services.api.dashboard import signin
from services.api.dashboard.page_context import VISIT, PageContext, html
from services.api.dashboard.render import render
from services.api.dashboard.theme import theme
from services.api.http.errors import Error

_NOT_PAGES = ("/v1/", "/auth/", "/static/")
_TITLES = {
    400: "That can't be done",
    403: "Not for you",
    404: "Not found",
    405: "Not found",
    413: "Too large",
    500: "Our fault",
    503: "Not now",
}


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    answer = await handler(request)
    if answer.status < 400 or not _is_page(request) or not isinstance(answer, web.Response):
        return answer
    if answer.content_type != "application/json" or not isinstance(answer.body, bytes):
        return answer
    try:
        error = msgspec.json.decode(answer.body, type=Error)
    except msgspec.ValidationError:  # no error of errors.py: health, say
        return answer
    if answer.status == 401:
        target = quote(request.path_qs, safe="") if request.method == "GET" else "%2F"
        return PageContext.to(f"{signin.PATH}?next={target}")
    return _render(request, answer.status, error)


def _is_page(request: web.Request) -> bool:
    accepts_html = "text/html" in request.headers.get("Accept", "")
    return accepts_html and not request.path.startswith(_NOT_PAGES)


def _render(request: web.Request, status: int, error: Error) -> web.Response:
    """The page, with the frame of the visitor if they are known."""
    values = {
        "title": _TITLES.get(status, _TITLES[400]),
        "message": error.msg if status != 404 or error.msg[:5] != "path:" else "",
        "id": error.id if status == 500 else None,
    }
    visit: PageContext | None = request.get(VISIT)
    if visit is not None:
        return visit.page("problem.html", status, **values)
    return html(render("problem_alone.html", theme=theme(request), **values), status)
