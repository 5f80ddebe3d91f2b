"""Workspaces that are read, and what a new one must know of the others."""

from libs.domain.workspace import Workspace
from services.api.read_model.row_types import WORKSPACE, Rows


async def find_workspace(rows: Rows, id: int) -> Workspace | None:
    state = await rows.fetchval("SELECT state FROM workspace WHERE id = $1", id)
    return WORKSPACE.decode(state) if state else None


async def workspaces_of(rows: Rows, member: str | None) -> list[Workspace]:
    """Those of one member, or all; in the order of their ids."""
    found = await rows.fetch(
        "SELECT state FROM workspace WHERE $1::text IS NULL OR $1 = ANY (members) ORDER BY id",
        member,
    )
    return [WORKSPACE.decode(row["state"]) for row in found]


async def workspaces_named(rows: Rows, start: str, creator: str) -> list[Workspace]:
    """Those whose name begins so, made by one who is still a member; oldest first."""
    found = await rows.fetch(
        "SELECT state FROM workspace WHERE name ^@ $1 AND $2 = ANY (members) ORDER BY id",
        start,
        creator,
    )
    states = [WORKSPACE.decode(row["state"]) for row in found]
    return [state for state in states if state.created_by == creator]


async def next_workspace_id(rows: Rows) -> int:
    return int(await rows.fetchval("SELECT coalesce(max(id), 0) + 1 FROM workspace"))


async def workspace_names(rows: Rows) -> frozenset[str]:
    return frozenset(row["name"] for row in await rows.fetch("SELECT name FROM workspace"))
