"""Orchestrations, as lists of the API have them and as pages show them (I8: of the workspaces
that their reader may see)."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from libs.domain.orchestration import Orchestration
from libs.domain.workspace import Workspace
from services.api.read_model.row_types import NEWEST, ORCHESTRATION, WORKSPACE, Rows

WorkloadStatus = Literal["active", "inactive", "error"]


class Workload(msgspec.Struct, frozen=True):
    """`error`: it could not be packaged; `active`: a task of it runs or can still run."""

    orchestration: Orchestration
    status: WorkloadStatus
    seq: int


async def find_orchestration(rows: Rows, id: UUID) -> tuple[Orchestration, Workspace] | None:
    """With the workspace that it is in."""
    row = await rows.fetchrow(
        """SELECT orchestration.state, workspace.state FROM orchestration
        JOIN workspace ON workspace.id = orchestration.workspace WHERE orchestration.id = $1""",
        id,
    )
    return (ORCHESTRATION.decode(row[0]), WORKSPACE.decode(row[1])) if row else None


async def orchestration_page(
    rows: Rows, workspaces: Sequence[int], before: int, limit: int
) -> list[Orchestration]:
    """The newest `limit` of those older than `before`, a place in the log; oldest first."""
    found = await rows.fetch(
        """SELECT newest.state FROM unnest($1::bigint[]) AS mine (id), LATERAL (
            SELECT state, created_seq FROM orchestration
            WHERE workspace = mine.id AND created_seq < $2
            ORDER BY created_seq DESC LIMIT $3) AS newest
        ORDER BY newest.created_seq DESC LIMIT $3""",
        workspaces,
        before,
        limit,
    )
    return [ORCHESTRATION.decode(row["state"]) for row in reversed(found)]


async def orchestrations_of_sha(rows: Rows, workspaces: Sequence[int], sha: str) -> list[UUID]:
    """Every upload of these bytes, newest first."""
    found = await rows.fetch(
        """SELECT id FROM orchestration WHERE sha = $1 AND workspace = ANY ($2)
        ORDER BY created_seq DESC""",
        sha,
        workspaces,
    )
    return [row["id"] for row in found]


_CAN_RUN = """(SELECT true FROM task
        WHERE task.orchestration = orchestration.id AND can_run AND NOT spent LIMIT 1)"""
_WORKLOADS = """
SELECT newest.* FROM unnest($1::bigint[]) AS mine (workspace), LATERAL (
    SELECT state, created_seq, {status} AS status FROM orchestration
    WHERE workspace = mine.workspace AND created_seq < $2 AND strpos(title, $3) > 0 AND {which}
    ORDER BY created_seq DESC LIMIT $4) AS newest
ORDER BY created_seq DESC LIMIT $4
"""
# By the status that is asked for.
_WORKLOADS_THAT_ARE: dict[WorkloadStatus | None, str] = {
    None: _WORKLOADS.format(
        which="true",
        status=f"CASE WHEN failed THEN 'error' WHEN {_CAN_RUN} THEN 'active' ELSE 'inactive' END",
    ),
    "error": _WORKLOADS.format(which="failed", status="'error'"),
    "active": _WORKLOADS.format(which=f"NOT failed AND {_CAN_RUN}", status="'active'"),
    "inactive": _WORKLOADS.format(which=f"NOT failed AND {_CAN_RUN} IS NULL", status="'inactive'"),
}


async def workload_page(
    rows: Rows,
    workspaces: Sequence[int],
    *,
    search: str = "",
    status: WorkloadStatus | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Workload]:
    """Orchestrations, newest first, whose name (the file's, if it has none) holds `search`."""
    wanted = search.replace("\0", "\ufffd").casefold()
    query = _WORKLOADS_THAT_ARE[status]
    found = await rows.fetch(query, workspaces, before or NEWEST, wanted, limit)
    return [
        Workload(ORCHESTRATION.decode(row["state"]), row["status"], row["created_seq"])
        for row in found
    ]
