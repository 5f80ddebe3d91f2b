"""Tasks, as lists of the API have them and as pages show them (I8: of the workspaces that their
reader may see)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from libs.domain import task as tasks
from libs.domain.task import Task
from services.api.read_model.row_types import NEWEST, RUN_SEEN, TASK, Rows, RunSeen


class TaskRow(msgspec.Struct, frozen=True):
    """A task with what is shown beside it; `runs` are its newest that have begun, newest first."""

    task: Task
    sha: str
    orchestration_owner: str
    has_runs: bool
    runs: list[RunSeen]


class TaskShown(msgspec.Struct, frozen=True):
    """`status` is the one to show; `last_run` is the newest that has begun."""

    task: Task
    status: tasks.Status
    seq: int
    last_run: RunSeen | None


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


async def find_task(rows: Rows, id: UUID, run_limit: int) -> TaskRow | None:
    row = await rows.fetchrow(_TASK, run_limit, id)
    return _task_row(row) if row else None


async def task_page(
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


def _task_row(row: Any) -> TaskRow:
    return TaskRow(
        TASK.decode(row["state"]),
        row["sha"],
        row["owner"],
        row["has_runs"],
        [RUN_SEEN.decode(state) for state in row["runs"]],
    )


_TASKS_OF = """
SELECT task.state, created_seq, last.state AS last_run,
    (SELECT true FROM run WHERE run.task = task.id LIMIT 1) IS NOT NULL AS has_runs
FROM task LEFT JOIN LATERAL (
    SELECT state FROM run WHERE run.task = task.id AND run.status <> 'requested'
    ORDER BY run.created_seq DESC LIMIT 1) AS last ON true
WHERE orchestration = $1 AND created_seq < $2 ORDER BY created_seq DESC LIMIT $3
"""


async def tasks_of(
    rows: Rows, orchestration: UUID, *, before: int | None = None, limit: int = 50
) -> list[TaskShown]:
    """Newest first, the killed ones too."""
    found = await rows.fetch(_TASKS_OF, orchestration, before or NEWEST, limit)
    return [_task_shown(row) for row in found]


def _task_shown(row: Any) -> TaskShown:
    state = TASK.decode(row["state"])
    last = RUN_SEEN.decode(row["last_run"]) if row["last_run"] else None
    status = tasks.shown_status(state, row["has_runs"])
    return TaskShown(state, status, row["created_seq"], last)
