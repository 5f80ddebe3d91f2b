"""Workspaces: those that one may enter, and who works in each."""

from typing import NamedTuple

from aiohttp import web

from libs.domain.errors import Rejected
from libs.domain.values import Role
from libs.domain.workspace import Workspace
from libs.identity.users import User
from services.api.access import authorize as access
from services.api.dashboard.form_parsing import allowed, body, number
from services.api.dashboard.page_context import PageContext
from services.api.http.errors import STATUS
from services.api.workspaces import commands as workspaces
from services.api.workspaces import members
from services.api.workspaces import schemas as workspace_schemas


class Member(NamedTuple):
    """`user` is none of one whose account is gone."""

    id: str
    user: User | None
    role: Role


async def show(visit: PageContext) -> web.Response:
    return _list(visit)


def _list(visit: PageContext, refused: Rejected | None = None, name: str = "") -> web.Response:
    return visit.page(
        "workspaces.html",
        STATUS[refused.code] if refused else 200,
        title="Workspaces",
        me=str(visit.context.user.id),
        problem=refused.message if refused else "",
        name=name,
    )


async def create(visit: PageContext) -> web.Response:
    form = await visit.form()
    name = form.get("workspace_name", "")
    try:
        id = await workspaces.create(visit.caller, visit.store, name)
    except Rejected as refused:
        return _list(visit, refused, name)
    return visit.to(f"/workspaces/{id}?workspace={id}")


async def one(visit: PageContext) -> web.Response:
    return await _one(visit)


async def _one(
    visit: PageContext, refused: Rejected | None = None, email: str = ""
) -> web.Response:
    context, rows = visit.context, visit.context.store.rows
    workspace = await access.workspace(context.user, rows, _id(visit), "workspace")
    return visit.inside(workspace.id).page(
        "workspace.html",
        STATUS[refused.code] if refused else 200,
        title=workspace.name,
        nav="/workspaces",
        workspace=workspace,
        members=await _members(visit, workspace),
        me=str(context.user.id),
        owned=await allowed(access.owned_workspace(context.user, rows, workspace.id)),
        problem=refused.message if refused else "",
        email=email,
    )


async def _members(visit: PageContext, workspace: Workspace) -> list[Member]:
    """Owners first, in the order of their emails."""
    everybody = await visit.context.identity.users.everybody()
    by_id = {str(user.id): user for user in everybody if str(user.id) in workspace.members}
    members = [Member(id, by_id.get(id), role) for id, role in workspace.members.items()]
    return sorted(
        members, key=lambda one: (one.role != "owner", (one.user and one.user.email) or "")
    )


async def add(visit: PageContext) -> web.Response:
    """Also changes the role of one who is a member already."""
    form, id = await visit.form(), _id(visit)
    fields = {name: form.get(name, "") for name in ("email", "user_id", "user_type")}
    try:
        order = body(workspace_schemas.AddMember, fields | {"workspace_id": id})
        await members.add(visit.caller, visit.store, visit.context.identity.users, order)
    except Rejected as refused:
        if refused.code == "forbidden":
            raise
        return await _one(visit, refused, fields["email"])
    return visit.to(f"/workspaces/{id}")


async def remove(visit: PageContext) -> web.Response:
    form, id = await visit.form(), _id(visit)
    fields = {"user_id": form.get("user_id", ""), "workspace_id": id}
    try:
        order = body(workspace_schemas.RemoveMember, fields)
        user = await members.remove(visit.caller, visit.store, visit.context.identity.users, order)
    except Rejected as refused:
        if refused.code == "forbidden":
            raise
        return await _one(visit, refused)
    left = user == visit.user.id and not visit.user.admin
    return visit.to("/workspaces" if left else f"/workspaces/{id}")


def _id(visit: PageContext) -> int:
    text = visit.context.request.match_info["workspace"]
    if not (id := number(text)):
        raise Rejected("not_found", f"workspace: there is no workspace {text[:40]!r}")
    return id
