"""Signing in and out. After wrong passwords the next try waits, as at the token endpoint."""

import secrets
from urllib.parse import urlsplit

from aiohttp import web

from libs.identity.login import TooSoon
from libs.identity.sessions import LIFETIME
from libs.identity.users import User
from services.api.access import authorize as access
from services.api.dashboard.formats import plain
from services.api.dashboard.page_context import PageContext, html, local, ours
from services.api.dashboard.render import render
from services.api.dashboard.theme import theme
from services.api.http.form import cookie, fields, same
from services.api.http.request_context import RequestContext
from services.api.workspaces import commands as workspaces

PATH = "/signin"
_COOKIE = "rondo_signin"
_OLD = "This page was too old, or not ours. Please try again."
_WRONG = "This email and password don't go together."


def cookie_name(context: RequestContext) -> str:
    """The name of the cookie; under https one that no other host or path can set."""
    return "__Host-rondo_session" if secure(context) else "rondo_session"


def secure(context: RequestContext) -> bool:
    return context.runtime.config.public_url.startswith("https:")


async def show(context: RequestContext) -> web.Response:
    next = local(context.request.query.get("next", "/"))
    if await context.identity.sessions.user(cookie(context.request, cookie_name(context))):
        return PageContext.to(next)
    return _page(context, next)


async def sign_in(context: RequestContext) -> web.Response:
    request = context.request
    form = await fields(request)
    next, name = local(form.get("next", "/")), form.get("username", "")
    csrf = cookie(request, _COOKIE)
    if not csrf or not same(form.get("csrf", ""), csrf) or not ours(request, _url(context)):
        return _page(context, next, name, _OLD, 403)
    try:
        user = await context.identity.login(name, form.get("password", ""), context.address)
    except TooSoon as soon:
        page = _page(context, next, name, f"{soon}.".capitalize(), 429)
        page.headers["Retry-After"] = str(soon.seconds)
        return page
    if user is None:
        return _page(context, next, name, _WRONG, 401)
    return await signed_in(context, user, next)


def refused(context: RequestContext, message: str) -> web.Response:
    return _page(context, "/", problem=plain(message), status=401)


async def signed_in(context: RequestContext, user: User, next: str) -> web.Response:
    """A user who comes for the first time gets a workspace of their own, as in the SDK."""
    context = RequestContext(context.resources, context.request, user)
    if not await access.workspaces(context.user, context.store.rows):
        await workspaces.default(context.caller, context.store)
    response = PageContext.to(next)
    response.set_cookie(
        cookie_name(context),
        await context.identity.sessions.start(user),
        httponly=True,
        samesite="Lax",
        secure=secure(context),
        max_age=int(LIFETIME.total_seconds()),
    )
    return response


async def sign_out(visit: PageContext) -> web.Response:
    await visit.form()
    await visit.context.identity.sessions.end(visit.secret)
    response = visit.to(PATH)
    response.del_cookie(cookie_name(visit.context), secure=secure(visit.context), httponly=True)
    return response


def _url(context: RequestContext) -> str:
    return context.runtime.config.public_url


def _page(
    context: RequestContext, next: str, name: str = "", problem: str = "", status: int = 200
) -> web.Response:
    csrf = cookie(context.request, _COOKIE) or secrets.token_urlsafe(32)
    text = render(
        "signin.html",
        next=next,
        name=name,
        problem=problem,
        csrf=csrf,
        theme=theme(context.request),
        action=PATH,
        issuer=urlsplit(context.runtime.config.oidc_issuer).netloc,
    )
    response = html(text, status)
    response.set_cookie(
        _COOKIE,
        csrf,
        path=PATH,
        httponly=True,
        samesite="Strict",
        secure=secure(context),
        max_age=3600,
    )
    return response
