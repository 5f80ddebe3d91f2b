"""What the handler of a page gets: the visitor, their workspace, and ways to answer."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from multidict import MultiDict

from libs.domain.errors import Rejected
from libs.domain.workspace import Workspace
from libs.identity.users import User, Users
from services.api.access import authorize as access
from services.api.append.caller import Caller
from services.api.append.store import Store
from services.api.dashboard.form_token import form_token
from services.api.dashboard.render import render
from services.api.dashboard.theme import theme
from services.api.http.form import cookie, fields, same
from services.api.http.request_context import RequestContext
from services.api.text import number

WORKSPACE_COOKIE = "rondo_workspace"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # without any, a form's Origin would be null
    "X-Content-Type-Options": "nosniff",
}
NAVIGATION = (
    ("/workloads", "Workloads", False),
    ("/models", "Models", False),
    ("/pipelines", "Pipelines", False),
    ("/timeline", "Timeline", False),
    ("/connections", "Connections", False),
    ("/subscriptions", "Subscriptions", False),
    ("/workspaces", "Workspaces", False),
    ("/users", "Users", True),
    ("/platform", "Platform", True),
)


@dataclass(frozen=True)
class PageContext:
    """A visit of one page.

    `workspaces` are all that the visitor may see, `workspace` is the chosen one, or None without
    any. `secret` is the cookie of the session; reads show at least the position `seq` of the log.
    """

    context: RequestContext
    secret: str
    workspaces: list[Workspace]
    workspace: Workspace | None
    seq: int

    @property
    def user(self) -> User:
        return self.context.user

    @property
    def caller(self) -> Caller:
        return self.context.caller

    @property
    def store(self) -> Store:
        return self.context.store

    @property
    def users(self) -> Users:
        return self.context.identity.users

    def inside(self, workspace: int) -> "PageContext":
        """The same visit for a thing of that workspace, which the visitor may enter."""
        match = next((one for one in self.workspaces if one.id == workspace), None)
        return replace(self, workspace=match or self.workspace)

    @property
    def chosen(self) -> Workspace:
        if self.workspace is None:
            raise Rejected("not_found", "workspace: you are in none yet; create one first")
        return self.workspace

    def page(self, template: str, status: int = 200, **values: Any) -> web.Response:
        """A page in its frame.

        `live` is the address of its changes. `nav` is its entry of the menu, if its own address
        does not say so.
        """
        request = self.context.request
        admin = self.context.user.admin
        values = {
            "visit": self,
            "user": self.context.user,
            "path": request.path,
            "here": request.path_qs,
            "navigation": [
                (path, label) for path, label, admins in NAVIGATION if admin or not admins
            ],
            "csrf": form_token(self.secret),
            "theme": theme(request),
            "live": "",
            "nav": "",
            **values,
        }
        response = html(render(template, **values), status)
        if self.workspace is not None:
            secure = self.context.runtime.config.public_url.startswith("https:")
            response.set_cookie(
                WORKSPACE_COOKIE,
                str(self.workspace.id),
                httponly=True,
                samesite="Lax",
                secure=secure,
                max_age=31536000,
            )
        return response

    async def form(self) -> MultiDict[str]:
        """The fields of a form of one of our pages. Rejected("forbidden") for any other form."""
        sent = await fields(self.context.request)
        self.check(sent.get("csrf", ""))
        return sent

    def check(self, token: str, purpose: str = "form") -> None:
        """Rejected("forbidden") unless the request comes from one of our pages."""
        request, url = self.context.request, self.context.runtime.config.public_url
        if not ours(request, url) or not same(token, form_token(self.secret, purpose)):
            raise Rejected("forbidden", "csrf: this page was too old, or not ours; load it again")

    @staticmethod
    def to(path: str) -> web.Response:
        """Redirect there, after a form."""
        return web.Response(status=303, headers={"Location": path, **HEADERS})


VISIT = web.RequestKey("visit", PageContext)


def html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)


def ours(request: web.Request, public_url: str) -> bool:
    """Whether the browser says that one of our pages has sent this."""
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    try:
        host = urlsplit(origin).netloc
    except ValueError:  # no browser's
        return False
    return host in (request.host, urlsplit(public_url).netloc)


def local(path: str) -> str:
    """`path` if it is one of this site, since it comes from outside; else the first page."""
    # Browsers take \\ for /, and leave out tabs and line ends.
    good = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if good else "/"


async def begin(context: RequestContext, secret: str) -> PageContext:
    """A visit. Its workspace is that of `?workspace=`, else the last visited one, else the
    first."""
    seq = context.store.position.seq
    visible = await access.workspaces(context.user, context.store.rows)
    request = context.request
    parameter = request.query.get("workspace", "")
    if parameter:
        if (id := number(parameter)) is None:
            raise Rejected("not_found", f"workspace: there is no workspace {parameter[:40]!r}")
        current = await access.workspace(context.user, context.store.rows, id, "workspace")
        return PageContext(context, secret, visible, current, seq)
    last = cookie(request, WORKSPACE_COOKIE)
    before = next((one for one in visible if str(one.id) == last), None)
    first = visible[0] if visible else None
    return PageContext(context, secret, visible, before or first, seq)
