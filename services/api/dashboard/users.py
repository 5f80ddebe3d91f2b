"""Users: administrators add them, disable them, and give them passwords. A password that is made
up here is shown on the page that answers, once."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, TypeVar

from aiohttp import web

from libs.domain.errors import Rejected
from libs.identity.users import User, Users
from services.api.accounts import commands, schemas
from services.api.append.caller import Caller
from services.api.dashboard.form_parsing import body
from services.api.dashboard.page_context import PageContext
from services.api.http.errors import STATUS

Order = TypeVar("Order")
Answer = TypeVar("Answer")


class NewPassword(NamedTuple):
    user: User
    password: str | None


async def show(visit: PageContext) -> web.Response:
    return await _list(visit)


async def _list(
    visit: PageContext,
    refused: Rejected | None = None,
    new_password: NewPassword | None = None,
    typed: Mapping[str, str] | None = None,
) -> web.Response:
    return visit.page(
        "users.html",
        STATUS[refused.code] if refused else 200,
        title="Users",
        users=await visit.context.identity.users.everybody(),
        me=visit.context.user.id,
        problem=refused.message if refused else "",
        new_password=new_password,
        typed=typed or {},
    )


async def create(visit: PageContext) -> web.Response:
    form = await visit.form()
    fields = {"email": form.get("email", ""), "password": form.get("password", "")}
    try:
        order = body(schemas.CreateUser, fields | {"admin": bool(form.get("admin"))})
        account = await commands.create(visit.caller, visit.context.identity.users, order)
    except Rejected as refused:
        return await _list(visit, refused, typed={"email": fields["email"]})
    return await _with_password(visit, NewPassword(*account))


async def _with_password(visit: PageContext, new_password: NewPassword) -> web.Response:
    """Show the password if it was made up."""
    if new_password.password:
        return await _list(visit, new_password=new_password)
    return visit.to("/users")


async def reset_password(visit: PageContext) -> web.Response:
    try:
        account = await _carry_out(visit, commands.reset_password, schemas.ResetPassword)
    except Rejected as refused:
        return await _list(visit, refused)
    return await _with_password(visit, NewPassword(*account))


async def set_enabled(visit: PageContext) -> web.Response:
    return await _switch(visit, commands.set_enabled, schemas.SetEnabled, "enabled")


async def set_admin(visit: PageContext) -> web.Response:
    return await _switch(visit, commands.set_admin, schemas.SetAdmin, "admin")


async def _switch(
    visit: PageContext,
    command: Callable[[Caller, Users, Order], Awaitable[User]],
    kind: type[Order],
    flag: str,
) -> web.Response:
    try:
        await _carry_out(visit, command, kind, flag)
    except Rejected as refused:
        return await _list(visit, refused)
    return visit.to("/users")


async def _carry_out(
    visit: PageContext,
    command: Callable[[Caller, Users, Order], Awaitable[Answer]],
    kind: type[Order],
    flag: str = "",
) -> Answer:
    """`flag` is the field of yes or no, which the form calls `value`."""
    form = await visit.form()
    fields: dict[str, object] = {"id": form.get("id", "")}
    if flag:
        fields[flag] = form.get("value") == "yes"
    return await command(visit.caller, visit.context.identity.users, body(kind, fields))
