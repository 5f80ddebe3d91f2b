"""The fields of the roots: the same reads and commands as the routes, with the same rights.

Whatever the caller may not see is null or left out, as if it did not exist (I8).
"""

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from libs.domain.errors import Rejected
from libs.domain.workspace import Workspace
from services.api.access import authorize as access
from services.api.graphql.where import Row, matches
from services.api.http.request_context import RequestContext
from services.api.orchestrations import schemas as orchestration_schemas
from services.api.workspaces import commands as workspaces
from services.api.workspaces import members

if TYPE_CHECKING:
    from services.api.graphql.engine import Resolver

Result = TypeVar("Result")
Where = Mapping[str, Any]


async def workspace_by_pk(context: RequestContext, id: int) -> Row | None:
    state = await _visible(access.workspace(context.user, context.store.rows, id))
    return _workspace(state) if state else None


async def user_default_workspace(context: RequestContext, where: Where | None = None) -> list[Row]:
    """The caller's own, created at its first use; nobody sees that of another user."""
    owner = {"user_id": str(context.user.id)}
    if not matches(owner, where):
        return []
    return [
        owner | {"workspace": _workspace(await workspaces.default(context.caller, context.store))}
    ]


async def orchestration_by_pk(
    context: RequestContext, id: UUID
) -> orchestration_schemas.Orchestration | None:
    state = await _visible(access.orchestration(context.user, context.store.rows, id))
    return orchestration_schemas.Orchestration.of(state) if state else None


async def insert_workspace_one(
    context: RequestContext, object: Mapping[str, Any], on_conflict: Any = None
) -> Row:
    """Create a workspace, or return the caller's default one if the object names that.

    The owner comes from the token, not from the ids in the object.
    """
    if object.get("user_default_workspaces"):
        return _workspace(await workspaces.default(context.caller, context.store))
    id = await workspaces.create(context.caller, context.store, object.get("name") or "")
    return _workspace(await access.workspace(context.user, context.store.rows, id))


async def delete_workspace_users(context: RequestContext, where: Where) -> dict[str, Any]:
    """Remove the members that match, of one workspace; a wider filter removes nobody."""
    visible = await access.workspaces(context.user, context.store.rows)
    rows = [row for state in visible for row in _members(state) if matches(row, where)]
    if len({row["workspace_id"] for row in rows}) > 1:
        raise Rejected("invalid", "where: it matches several workspaces; name one by workspace_id")
    for row in rows:
        await members.leave(context.caller, context.store, row["workspace_id"], row["user_id"])
    return {"affected_rows": len(rows), "returning": rows}


async def _not_served(context: RequestContext, **_: Any) -> None:
    raise Rejected("invalid", "mutation: there are no models, pipelines or tags on this platform")


_NOT_SERVED = (
    "update_deployment_by_pk",
    "insert_deployment_model_configs",
    "update_pipeline",
    "update_model",
    "insert_tag",
    "insert_model_tag",
    "delete_model_tag",
    "insert_pipeline_tag",
    "delete_pipeline_tag",
)
RESOLVERS: dict[tuple[str, str], "Resolver"] = {
    ("query_root", "workspace_by_pk"): workspace_by_pk,
    ("query_root", "user_default_workspace"): user_default_workspace,
    ("query_root", "orchestration_by_pk"): orchestration_by_pk,
    ("mutation_root", "insert_workspace_one"): insert_workspace_one,
    ("mutation_root", "delete_workspace_users"): delete_workspace_users,
    **{("mutation_root", name): _not_served for name in _NOT_SERVED},
}


async def _visible(read: Awaitable[Result]) -> Result | None:
    try:
        return await read
    except Rejected as rejected:
        if rejected.code in ("not_found", "forbidden"):
            return None
        raise


def _workspace(state: Workspace) -> Row:
    return {
        "id": state.id,
        "name": state.name,
        "archived": False,
        "created_at": state.created_at,
        "created_by": state.created_by,
        "owner_id": state.created_by,
        "users": _members(state),
        "models": [],
        "pipelines": [],
    }


def _members(state: Workspace) -> list[Row]:
    return [
        {"user_id": user, "user_type": role, "workspace_id": state.id}
        for user, role in state.members.items()
    ]
