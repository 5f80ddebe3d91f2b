"""Workspaces and their members, wherever a document asks for them."""

from collections.abc import Mapping
from typing import Any

from libs.domain.errors import Rejected
from libs.domain.workspace import Workspace
from services.api.access import authorize as access
from services.api.graphql.table import Fields
from services.api.graphql.visible import visible
from services.api.graphql.where import Row, Where, matches
from services.api.http.request_context import RequestContext
from services.api.workspaces import commands as workspaces
from services.api.workspaces import members


def workspace_row(state: Workspace) -> Row:
    return {
        "id": state.id,
        "name": state.name,
        "archived": False,
        "created_at": state.created_at,
        "created_by": state.created_by,
        "owner_id": state.created_by,
        "users": _members(state),
    }


async def workspace_by_pk(context: RequestContext, id: int) -> Row | None:
    state = await visible(access.workspace(context.user, context.store.rows, id))
    return workspace_row(state) if state else None


async def workspace_of(context: RequestContext, row: Row) -> Row:
    """That of a model or a pipeline, which the caller may see."""
    if (known := row.get("workspace")) is not None:
        found: Row = known
        return found
    rows = context.store.rows
    return workspace_row(await access.workspace(context.user, rows, row["workspace_id"]))


async def user_default_workspace(context: RequestContext, where: Where | None = None) -> list[Row]:
    """The caller's own, created at its first use; nobody sees that of another user."""
    owner = {"user_id": str(context.user.id)}
    if not matches(owner, where):
        return []
    state = await workspaces.default(context.caller, context.store)
    return [owner | {"workspace": workspace_row(state)}]


async def insert_workspace_one(
    context: RequestContext, object: Mapping[str, Any], on_conflict: Any = None
) -> Row:
    """Create a workspace, or return the caller's default one if the object names that.

    The owner comes from the token, not from the ids in the object.
    """
    if object.get("user_default_workspaces"):
        return workspace_row(await workspaces.default(context.caller, context.store))
    id = await workspaces.create(context.caller, context.store, object.get("name") or "")
    return workspace_row(await access.workspace(context.user, context.store.rows, id))


async def delete_workspace_users(context: RequestContext, where: Where) -> dict[str, Any]:
    """Remove the members that match, of one workspace; a wider filter removes nobody."""
    states = await access.workspaces(context.user, context.store.rows)
    rows = [row for state in states for row in _members(state) if matches(row, where)]
    if len({row["workspace_id"] for row in rows}) > 1:
        raise Rejected("invalid", "where: it matches several workspaces; name one by workspace_id")
    for row in rows:
        await members.leave(context.caller, context.store, row["workspace_id"], row["user_id"])
    return {"affected_rows": len(rows), "returning": rows}


def _members(state: Workspace) -> list[Row]:
    return [
        {"user_id": user, "user_type": role, "workspace_id": state.id}
        for user, role in state.members.items()
    ]


WORKSPACE_FIELDS: Fields = {
    ("query_root", "workspace_by_pk"): workspace_by_pk,
    ("query_root", "user_default_workspace"): user_default_workspace,
    ("mutation_root", "insert_workspace_one"): insert_workspace_one,
    ("mutation_root", "delete_workspace_users"): delete_workspace_users,
    ("models", "workspace"): workspace_of,
    ("pipeline", "workspace"): workspace_of,
}
