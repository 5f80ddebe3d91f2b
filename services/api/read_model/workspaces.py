"""Reads of workspaces, and what a new one must know of the others."""

from libs.domain.workspace import Workspace
from libs.postgres.statements import load
from services.api.read_model.row_types import WORKSPACE, Rows

_SQL = load(__name__)


async def find_workspace(rows: Rows, id: int) -> Workspace | None:
    state = await rows.fetchval(_SQL["find_workspace"], id)
    return WORKSPACE.decode(state) if state else None


async def workspaces_of(rows: Rows, member: str | None) -> list[Workspace]:
    """The workspaces of a member, or all for None, sorted by id."""
    records = await rows.fetch(_SQL["workspaces_of"], member)
    return [WORKSPACE.decode(row["state"]) for row in records]


async def workspaces_named(rows: Rows, start: str, creator: str) -> list[Workspace]:
    """Workspaces of a creator who is still a member, by the start of their name; oldest first."""
    records = await rows.fetch(_SQL["workspaces_named"], start, creator)
    states = [WORKSPACE.decode(row["state"]) for row in records]
    return [state for state in states if state.created_by == creator]


async def next_workspace_id(rows: Rows) -> int:
    return int(await rows.fetchval(_SQL["next_workspace_id"]))


async def workspace_names(rows: Rows) -> frozenset[str]:
    return frozenset(row["name"] for row in await rows.fetch(_SQL["workspace_names"]))
