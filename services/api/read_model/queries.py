"""Every statement on the views, named. Lists take the workspaces that their reader may see (I8)."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec

from libs.domain.connection import Connection
from libs.domain.orchestration import Orchestration
from libs.domain.run import Run
from libs.domain.task import Task
from libs.domain.workspace import Workspace
from services.api.read_model.list_queries import (
    RunShown,
    TaskShown,
    TaskStats,
    Workload,
    run_counts,
    runs_shown,
    task_stats,
    tasks_of,
    workloads,
)
from services.api.read_model.row_types import (
    BEGUN,
    CONNECTION,
    NEWEST,
    ORCHESTRATION,
    RUN,
    RUN_SEEN,
    TASK,
    WORKSPACE,
    Rows,
    RunSeen,
    storable,
)

# What pages show comes from a file of its own.
__all__ = [
    "NEWEST",
    "Rows",
    "RunShown",
    "TaskShown",
    "TaskStats",
    "Workload",
    "run_counts",
    "runs_shown",
    "task_stats",
    "tasks_of",
    "workloads",
]


class TaskRow(msgspec.Struct, frozen=True):
    """A task with what is shown beside it; `runs` are its newest that have begun, newest first."""

    task: Task
    sha: str
    orchestration_owner: str
    has_runs: bool
    runs: list[RunSeen]


async def workspace(rows: Rows, id: int) -> Workspace | None:
    state = await rows.fetchval("SELECT state FROM workspace WHERE id = $1", id)
    return WORKSPACE.decode(state) if state else None


async def workspaces(rows: Rows, member: str | None) -> list[Workspace]:
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


async def workspace_id_to_come(rows: Rows) -> int:
    return int(await rows.fetchval("SELECT coalesce(max(id), 0) + 1 FROM workspace"))


async def workspace_names(rows: Rows) -> frozenset[str]:
    return frozenset(row["name"] for row in await rows.fetch("SELECT name FROM workspace"))


async def connection(rows: Rows, id: UUID) -> Connection | None:
    """None too when it is deleted; so in all of these."""
    state = await rows.fetchval("SELECT state FROM connection WHERE id = $1 AND NOT deleted", id)
    return CONNECTION.decode(state) if state else None


async def connection_named(rows: Rows, name: str) -> Connection | None:
    query = "SELECT state FROM connection WHERE name = $1 AND NOT deleted"
    state = await rows.fetchval(query, storable(name))
    return CONNECTION.decode(state) if state else None


async def connections(
    rows: Rows, creator: str | None, workspaces: Sequence[int] | None
) -> list[Connection]:
    """Those of a creator and those attached to any of `workspaces`, or all; oldest first."""
    found = await rows.fetch(
        """SELECT state FROM connection WHERE NOT deleted
        AND ($2::bigint[] IS NULL OR created_by = $1 OR workspaces && $2) ORDER BY created_seq""",
        creator,
        workspaces,
    )
    return [CONNECTION.decode(row["state"]) for row in found]


async def deleted_connections(rows: Rows) -> list[UUID]:
    return [row["id"] for row in await rows.fetch("SELECT id FROM connection WHERE deleted")]


async def orchestration(rows: Rows, id: UUID) -> tuple[Orchestration, Workspace] | None:
    """With the workspace that it is in."""
    row = await rows.fetchrow(
        """SELECT orchestration.state, workspace.state FROM orchestration
        JOIN workspace ON workspace.id = orchestration.workspace WHERE orchestration.id = $1""",
        id,
    )
    return (ORCHESTRATION.decode(row[0]), WORKSPACE.decode(row[1])) if row else None


async def orchestrations(
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


# $1 is how many runs to show with each task of a page. (EXISTS may be planned as reading all runs.)
_TASKS = """
WITH page AS ({page})
SELECT page.state, sha, owner,
    (SELECT true FROM run WHERE run.task = page.id LIMIT 1) IS NOT NULL AS has_runs,
    ARRAY (
        SELECT state FROM run WHERE run.task = page.id AND run.status <> 'requested'
        ORDER BY run.created_seq DESC LIMIT $1) AS runs
FROM page JOIN orchestration ON orchestration.id = page.orchestration
ORDER BY page.created_seq DESC
"""
_TASK = _TASKS.format(page="SELECT * FROM task WHERE task.id = $2")
# Killed or not: both have indexes of their own. $3 and $4 say which page it is.
_PAGE = """
SELECT newest.* FROM unnest({of}) AS of (id), LATERAL (
    SELECT * FROM task WHERE {mine} AND status {killed} 'killed' AND created_seq < $3
    ORDER BY created_seq DESC LIMIT $4) AS newest
ORDER BY newest.created_seq DESC LIMIT $4"""


def _pages(of: str, mine: str) -> dict[bool, str]:
    return {
        killed: _TASKS.format(page=_PAGE.format(of=of, mine=mine, killed="=" if killed else "<>"))
        for killed in (True, False)
    }


_TASKS_OF_WORKSPACES = _pages("$2::bigint[]", "workspace = of.id")
_TASKS_OF_ORCHESTRATIONS = _pages(
    "$5::uuid[]", "orchestration = of.id AND workspace = ANY ($2::bigint[])"
)


async def task(rows: Rows, id: UUID, run_limit: int) -> TaskRow | None:
    row = await rows.fetchrow(_TASK, run_limit, id)
    return _task_row(row) if row else None


async def tasks(
    rows: Rows,
    workspaces: Sequence[int],
    run_limit: int,
    *,
    killed: bool,
    orchestrations: Sequence[UUID] | None = None,
    before: int,
    limit: int,
) -> list[TaskRow]:
    """Newest first: those that are killed, or those that are not; of some orchestrations or all."""
    page = (run_limit, workspaces, before, limit)
    if orchestrations is None:
        found = await rows.fetch(_TASKS_OF_WORKSPACES[killed], *page)
    else:
        found = await rows.fetch(_TASKS_OF_ORCHESTRATIONS[killed], *page, orchestrations)
    return [_task_row(row) for row in found]


async def orchestrations_of_sha(rows: Rows, workspaces: Sequence[int], sha: str) -> list[UUID]:
    """Every upload of these bytes, newest first."""
    found = await rows.fetch(
        """SELECT id FROM orchestration WHERE sha = $1 AND workspace = ANY ($2)
        ORDER BY created_seq DESC""",
        sha,
        workspaces,
    )
    return [row["id"] for row in found]


async def task_ids_of_sha(
    rows: Rows, workspaces: Sequence[int], sha: str, limit: int
) -> list[UUID]:
    """The tasks of every upload of these bytes, newest first."""
    found = await rows.fetch(
        """SELECT task.id FROM task JOIN orchestration ON orchestration.id = task.orchestration
        WHERE sha = $1 AND task.workspace = ANY ($2) ORDER BY task.created_seq DESC LIMIT $3""",
        sha,
        workspaces,
        limit,
    )
    return [row["id"] for row in found]


async def run(rows: Rows, id: UUID) -> Run | None:
    """None too when it has not begun."""
    state = await rows.fetchval("SELECT state FROM run WHERE id = $1 AND status <> 'requested'", id)
    return RUN.decode(state) if state else None


async def run_asked_for(rows: Rows, id: UUID) -> Run | None:
    """Whether or not it has begun."""
    state = await rows.fetchval("SELECT state FROM run WHERE id = $1", id)
    return RUN.decode(state) if state else None


async def runs(
    rows: Rows, task: UUID, status: str | None, limit: int, before: int = NEWEST
) -> list[RunSeen]:
    """A task's runs that have begun, the last to change first; of one status, or of all."""
    found = await rows.fetch(
        """SELECT newest.state FROM unnest($2::text[]) AS of (status), LATERAL (
            SELECT state, updated_seq FROM run
            WHERE task = $1 AND run.status = of.status AND updated_seq < $4
            ORDER BY updated_seq DESC LIMIT $3) AS newest
        ORDER BY updated_seq DESC LIMIT $3""",
        task,
        [status] if status else BEGUN,
        limit,
        before,
    )
    return [RUN_SEEN.decode(row["state"]) for row in found]


# The place of a row in its list, by its id.
_PLACES = {
    "orchestration": "SELECT created_seq FROM orchestration WHERE id = $1",
    "task": "SELECT created_seq FROM task WHERE id = $1",
    "run": "SELECT updated_seq FROM run WHERE id = $1",
}


async def place(
    rows: Rows, kind: Literal["orchestration", "task", "run"], id: UUID | None
) -> int | None:
    """Before it comes what is older; NEWEST where no id is given, none where there is no such."""
    if id is None:
        return NEWEST
    found: int | None = await rows.fetchval(_PLACES[kind], id)
    return found


def _task_row(row: Any) -> TaskRow:
    return TaskRow(
        TASK.decode(row["state"]),
        row["sha"],
        row["owner"],
        row["has_runs"],
        [RUN_SEEN.decode(state) for state in row["runs"]],
    )
