"""Signing in and out. Wrong passwords make the next try wait, here as at the token endpoint."""

import secrets
from urllib.parse import urlsplit

from aiohttp import web

from libs.identity.login import TooSoon
from libs.identity.sessions import LIFETIME, same
from libs.identity.users import User
from services.api.access import authorize as access
from services.api.dashboard.formats import plain
from services.api.dashboard.page_context import PageContext, html, local, ours
from services.api.dashboard.render import render
from services.api.dashboard.theme import theme
from services.api.http.form import cookie, fields
from services.api.http.request_context import RequestContext
from services.api.workspaces import commands as workspaces

PATH = "/signin"
_COOKIE = "rondo_signin"
_OLD = "This page was too old, or not ours. Please try again."
_WRONG = "This email and password don't go together."


def cookie_name(call: RequestContext) -> str:
    """Under https one that no other host or path can set."""
    return "__Host-rondo_session" if secure(call) else "rondo_session"


def secure(call: RequestContext) -> bool:
    return call.resources.config.public_url.startswith("https:")


async def show(call: RequestContext) -> web.Response:
    next = local(call.request.query.get("next", "/"))
    if await call.resources.sessions.user(cookie(call.request, cookie_name(call))):
        return PageContext.to(next)
    return _page(call, next)


async def sign_in(call: RequestContext) -> web.Response:
    request = call.request
    form = await fields(request)
    next, name = local(form.get("next", "/")), form.get("username", "")
    csrf = cookie(request, _COOKIE)
    if not csrf or not same(form.get("csrf", ""), csrf) or not ours(request, _url(call)):
        return _page(call, next, name, _OLD, 403)
    try:
        user = await call.resources.login(name, form.get("password", ""), call.address)
    except TooSoon as soon:
        page = _page(call, next, name, f"{soon}.".capitalize(), 429)
        page.headers["Retry-After"] = str(soon.seconds)
        return page
    if user is None:
        return _page(call, next, name, _WRONG, 401)
    return await signed_in(call, user, next)


def refused(call: RequestContext, message: str) -> web.Response:
    return _page(call, "/", problem=plain(message), status=401)


async def signed_in(call: RequestContext, user: User, next: str) -> web.Response:
    """Who comes for the first time gets a workspace of their own, as in the SDK."""
    call = RequestContext(call.resources, call.request, user)
    if not await access.workspaces(call, call.resources.rows):
        await workspaces.default(call)
    response = PageContext.to(next)
    response.set_cookie(
        cookie_name(call),
        await call.resources.sessions.start(user),
        httponly=True,
        samesite="Lax",
        secure=secure(call),
        max_age=int(LIFETIME.total_seconds()),
    )
    return response


async def sign_out(visit: PageContext) -> web.Response:
    await visit.form()
    await visit.call.resources.sessions.end(visit.secret)
    response = visit.to(PATH)
    response.del_cookie(cookie_name(visit.call), secure=secure(visit.call), httponly=True)
    return response


def _url(call: RequestContext) -> str:
    return call.resources.config.public_url


def _page(
    call: RequestContext, next: str, name: str = "", problem: str = "", status: int = 200
) -> web.Response:
    csrf = cookie(call.request, _COOKIE) or secrets.token_urlsafe(32)
    text = render(
        "signin.html",
        next=next,
        name=name,
        problem=problem,
        csrf=csrf,
        theme=theme(call.request),
        action=PATH,
        issuer=urlsplit(call.resources.config.oidc_issuer).netloc,
    )
    response = html(text, status)
    response.set_cookie(
        _COOKIE,
        csrf,
        path=PATH,
        httponly=True,
        samesite="Strict",
        secure=secure(call),
        max_age=3600,
    )
    return response
