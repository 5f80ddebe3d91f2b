"""Pages of connections, and where each is attached. Details go in and are never shown again."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from aiohttp import web

from libs.domain.connection import Connection
from libs.domain.errors import Rejected
from libs.domain.workspace import Workspace
from services.api.access import authorize as access
from services.api.connections import commands as connections
from services.api.connections import schemas as connection_schemas
from services.api.dashboard.form_parsing import allowed, body, json_object, number, path_id
from services.api.dashboard.page_context import PageContext
from services.api.history import queries as history
from services.api.http.errors import STATUS

_DETAILS_AGAIN = "Type the details again; they were not kept."


class Row(NamedTuple):
    """A connection; `workspaces` are those of its workspaces that the visitor may see."""

    connection: Connection
    who: str
    workspaces: list[Workspace]


async def show(visit: PageContext) -> web.Response:
    return await _list(visit)


async def _list(
    visit: PageContext, refused: Rejected | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    context = visit.context
    rows = await _rows(visit, await access.connections(context.user, context.store.rows))
    here = visit.workspace.id if visit.workspace else 0
    return visit.page(
        "connections.html",
        STATUS[refused.code] if refused else 200,
        title="Connections",
        inside=[one for one in rows if here in one.connection.workspaces],
        elsewhere=[one for one in rows if here not in one.connection.workspaces],
        problem=refused.message if refused else "",
        typed=typed or {},
    )


async def _rows(visit: PageContext, connections: list[Connection]) -> list[Row]:
    names = await history.people(visit.users, (one.created_by for one in connections))
    return [
        Row(
            one,
            names.get(one.created_by, one.created_by),
            [workspace for workspace in visit.workspaces if workspace.id in one.workspaces],
        )
        for one in connections
    ]


async def create(visit: PageContext) -> web.Response:
    form = await visit.form()
    try:
        details = json_object("details", form.get("details", ""))
        order = body(connection_schemas.CreateConnection, _typed(form) | {"details": details})
        vault = visit.context.contents.vault
        id = await connections.create(visit.caller, visit.store, vault, order)
        if form.get("attach") and visit.workspace:
            await _attach(visit, id, visit.workspace.id)
    except Rejected as refused:
        problem = Rejected(refused.code, f"{refused.message}. {_DETAILS_AGAIN}")
        return await _list(visit, problem, _typed(form))
    return visit.to(f"/connections/{id}")


def _typed(form: Mapping[str, str]) -> dict[str, Any]:
    return {name: form.get(name, "") for name in ("name", "type")}


async def one(visit: PageContext) -> web.Response:
    context, id = visit.context, path_id(visit, "connection")
    state = await access.connection(context.user, context.store.rows, id, "connection")
    (row,) = await _rows(visit, [state])
    return visit.page(
        "connection.html",
        title=state.name,
        nav="/connections",
        row=row,
        owned=await allowed(access.owned_connection(context.user, context.store.rows, id)),
        free=[workspace for workspace in visit.workspaces if workspace.id not in state.workspaces],
    )


async def attach(visit: PageContext) -> web.Response:
    form, id = await visit.form(), path_id(visit, "connection")
    await _attach(visit, id, number(form.get("workspace", "")))
    return visit.to(f"/connections/{id}")


async def _attach(visit: PageContext, id: UUID, workspace: int) -> None:
    where = connection_schemas.Attachment(workspace, id)
    await connections.attach(visit.caller, visit.store, where)


async def detach(visit: PageContext) -> web.Response:
    form, id = await visit.form(), path_id(visit, "connection")
    where = connection_schemas.Attachment(number(form.get("workspace", "")), id)
    await connections.detach(visit.caller, visit.store, where)
    return visit.to(f"/connections/{id}")


async def delete(visit: PageContext) -> web.Response:
    await visit.form()
    id, rows = path_id(visit, "connection"), visit.store.rows
    state = await access.connection(visit.user, rows, id, "connection")
    vault = visit.context.contents.vault
    await connections.delete(visit.caller, visit.store, vault, state.name)
    return visit.to("/connections")
