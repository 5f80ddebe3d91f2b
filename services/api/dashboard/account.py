"""The page of your own account: the password, and tokens for programs. A token is shown once."""

from collections.abc import Mapping

from aiohttp import web
from multidict import MultiMapping

from libs.domain.errors import Rejected
from libs.identity.login import TooSoon
from services.api.accounts import commands, schemas
from services.api.dashboard.form_parsing import body
from services.api.dashboard.page_context import PageContext
from services.api.http.errors import STATUS
from services.api.text import number


async def show(visit: PageContext) -> web.Response:
    return await _render(visit)


async def _render(
    visit: PageContext,
    status: int = 200,
    *,
    problem: str = "",
    about: str = "",
    new_token: schemas.CreatedToken | None = None,
    typed: Mapping[str, str] | None = None,
) -> web.Response:
    """The page. `about` names the form that `problem` belongs to: password or token."""
    me = visit.context.user
    return visit.page(
        "account.html",
        status,
        title="Your account",
        tokens=await visit.context.identity.service_tokens.of(me.id),
        names={workspace.id: workspace.name for workspace in visit.workspaces},
        problem=problem,
        about=about,
        new_token=new_token,
        typed=typed or {},
    )


async def create_token(visit: PageContext) -> web.Response:
    form = await visit.form()
    typed = {name: form.get(name, "") for name in ("name", "days")}
    try:
        token, secret = await commands.create_token(
            visit.caller,
            visit.store.rows,
            visit.context.identity.service_tokens,
            body(schemas.CreateToken, token_fields(form)),
        )
    except Rejected as refused:
        status = STATUS[refused.code]
        return await _render(visit, status, problem=refused.message, about="token", typed=typed)
    return await _render(visit, new_token=schemas.CreatedToken(token, secret))


def token_fields(form: MultiMapping[str]) -> dict[str, object]:
    """The fields of the form. A bad number of days stays as typed, so that it is refused by
    name."""
    days = form.get("days", "")
    workspaces = [number(text) for text in form.getall("workspaces", [])]
    return {
        "name": form.get("name", ""),
        "workspaces": [id for id in workspaces if id is not None],
        "days": days if number(days) is None else number(days),
    }


async def revoke_token(visit: PageContext) -> web.Response:
    form = await visit.form()
    order = body(schemas.TokenById, {"id": form.get("id", "")})
    await commands.revoke_token(visit.caller, visit.context.identity.service_tokens, order.id)
    return visit.to("/account")


async def change_password(visit: PageContext) -> web.Response:
    """Change the password, which ends the sessions of all browsers, including this one."""
    form = await visit.form()
    fields = {name: form.get(name, "") for name in ("current", "password")}
    try:
        order = body(schemas.ChangePassword, fields)
        context = visit.context
        await commands.change_password(visit.caller, context.identity, context.address, order)
    except Rejected as refused:
        status = STATUS[refused.code]
        return await _render(visit, status, problem=refused.message, about="password")
    except TooSoon as soon:
        return await _render(visit, 429, problem=f"current: {soon}", about="password")
    return visit.to("/signin")
