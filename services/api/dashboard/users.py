"""Users: administrators add them, disable them, and give them passwords. A password that is made
up here is shown on the page that answers, once."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from libs.domain.errors import Rejected
from services.api.accounts import commands as accounts
from services.api.dashboard.form_parsing import body
from services.api.dashboard.page_context import PageContext
from services.api.http.errors import STATUS
from services.api.http.request_context import RequestContext


async def show(visit: PageContext) -> web.Response:
    return await _list(visit)


async def _list(
    visit: PageContext,
    refused: Rejected | None = None,
    made: accounts.WithPassword | None = None,
    typed: Mapping[str, str] | None = None,
) -> web.Response:
    return visit.page(
        "users.html",
        STATUS[refused.code] if refused else 200,
        title="Users",
        users=await visit.context.identity.users.everybody(),
        me=visit.context.user.id,
        problem=refused.message if refused else "",
        made=made,
        typed=typed or {},
    )


async def create(visit: PageContext) -> web.Response:
    form = await visit.form()
    fields = {"email": form.get("email", ""), "password": form.get("password", "")}
    try:
        order = body(accounts.CreateUser, fields | {"admin": bool(form.get("admin"))})
        made = await accounts.create(visit.context, order)
    except Rejected as refused:
        return await _list(visit, refused, typed={"email": fields["email"]})
    return await _list(visit, made=made) if made.password else visit.to("/users")


async def reset_password(visit: PageContext) -> web.Response:
    return await _command(visit, accounts.reset_password, accounts.ResetPassword, {})


async def set_enabled(visit: PageContext) -> web.Response:
    return await _command(visit, accounts.set_enabled, accounts.SetEnabled, {"enabled": True})


async def set_admin(visit: PageContext) -> web.Response:
    return await _command(visit, accounts.set_admin, accounts.SetAdmin, {"admin": True})


async def _command(
    visit: PageContext,
    handler: Callable[[RequestContext, Any], Awaitable[object]],
    kind: type[Any],
    flags: Mapping[str, bool],
) -> web.Response:
    """`flags` are the body's yes or no, which the form says by `value`."""
    form = await visit.form()
    said = {name: form.get("value") == "yes" for name in flags}
    try:
        done = await handler(visit.context, body(kind, {"id": form.get("id", "")} | said))
    except Rejected as refused:
        return await _list(visit, refused)
    if isinstance(done, accounts.WithPassword):
        return await _list(visit, made=done)
    return visit.to("/users")
