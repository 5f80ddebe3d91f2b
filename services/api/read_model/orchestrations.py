"""Orchestrations, as lists of the API have them and as pages show them (I8: of the workspaces
that their reader may see)."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from libs.domain.orchestration import Orchestration
from libs.domain.workspace import Workspace
from libs.postgres.statements import load
from services.api.read_model.row_types import NEWEST, ORCHESTRATION, WORKSPACE, Rows, searchable

WorkloadStatus = Literal["active", "inactive", "error"]

_SQL = load(__name__)
# By the status that is asked for.
_WORKLOADS: dict[WorkloadStatus | None, str] = {
    None: _SQL["workloads"],
    "error": _SQL["workloads_in_error"],
    "active": _SQL["active_workloads"],
    "inactive": _SQL["inactive_workloads"],
}


class Workload(msgspec.Struct, frozen=True):
    """`error`: it could not be packaged. `active`: one of its tasks runs or can still run."""

    orchestration: Orchestration
    status: WorkloadStatus
    seq: int


async def find_orchestration(rows: Rows, id: UUID) -> tuple[Orchestration, Workspace] | None:
    """An orchestration with its workspace, or None."""
    row = await rows.fetchrow(_SQL["find_orchestration"], id)
    return (ORCHESTRATION.decode(row[0]), WORKSPACE.decode(row[1])) if row else None


async def orchestration_page(
    rows: Rows, workspaces: Sequence[int], before: int, limit: int
) -> list[Orchestration]:
    """The newest `limit` before `before`, a position in the log; oldest first."""
    records = await rows.fetch(_SQL["orchestration_page"], workspaces, before, limit)
    return [ORCHESTRATION.decode(row["state"]) for row in reversed(records)]


async def orchestrations_of_sha(rows: Rows, workspaces: Sequence[int], sha: str) -> list[UUID]:
    """The ids of every upload of these bytes, newest first."""
    records = await rows.fetch(_SQL["orchestrations_of_sha"], sha, workspaces)
    return [row["id"] for row in records]


async def workload_page(
    rows: Rows,
    workspaces: Sequence[int],
    *,
    search: str = "",
    status: WorkloadStatus | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Workload]:
    """Orchestrations, newest first, whose name (or file name) contains `search`."""
    name_part = searchable(search)
    records = await rows.fetch(_WORKLOADS[status], workspaces, before or NEWEST, name_part, limit)
    return [
        Workload(ORCHESTRATION.decode(row["state"]), row["status"], row["created_seq"])
        for row in records
    ]
