"""Tasks, as lists of the API have them and as pages show them (I8: of the workspaces that their
reader may see)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from libs.domain import task as tasks
from libs.domain.task import Task
from libs.postgres.statements import load
from services.api.read_model.row_types import NEWEST, RUN_SEEN, TASK, Rows, RunSeen

_SQL = load(__name__)
# By whether they are killed.
_OF_WORKSPACES = {
    False: _SQL["tasks_of_workspaces"],
    True: _SQL["killed_tasks_of_workspaces"],
}
_OF_ORCHESTRATIONS = {
    False: _SQL["tasks_of_orchestrations"],
    True: _SQL["killed_tasks_of_orchestrations"],
}


class TaskRow(msgspec.Struct, frozen=True):
    """A task for lists; `runs` are its newest runs that have begun, newest first."""

    task: Task
    sha: str
    orchestration_owner: str
    has_runs: bool
    runs: list[RunSeen]


class TaskShown(msgspec.Struct, frozen=True):
    """A task for pages; `status` is for people, `last_run` is the newest run that has begun."""

    task: Task
    status: tasks.Status
    seq: int
    last_run: RunSeen | None


async def find_task(rows: Rows, id: UUID, run_limit: int) -> TaskRow | None:
    row = await rows.fetchrow(_SQL["find_task"], run_limit, id)
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
    """A page of tasks, newest first: killed ones or others, of some orchestrations or of all."""
    page = (run_limit, workspaces, before, limit)
    if orchestrations is None:
        records = await rows.fetch(_OF_WORKSPACES[killed], *page)
    else:
        records = await rows.fetch(_OF_ORCHESTRATIONS[killed], *page, orchestrations)
    return [_task_row(row) for row in records]


async def task_ids_of_sha(
    rows: Rows, workspaces: Sequence[int], sha: str, limit: int
) -> list[UUID]:
    """The tasks of every upload of these bytes, newest first."""
    records = await rows.fetch(_SQL["task_ids_of_sha"], sha, workspaces, limit)
    return [row["id"] for row in records]


def _task_row(row: Any) -> TaskRow:
    return TaskRow(
        TASK.decode(row["state"]),
        row["sha"],
        row["owner"],
        row["has_runs"],
        [RUN_SEEN.decode(state) for state in row["runs"]],
    )


async def tasks_of(
    rows: Rows, orchestration: UUID, *, before: int | None = None, limit: int = 50
) -> list[TaskShown]:
    """A page of an orchestration's tasks, including killed ones; newest first."""
    records = await rows.fetch(_SQL["tasks_of"], orchestration, before or NEWEST, limit)
    return [_task_shown(row) for row in records]


def _task_shown(row: Any) -> TaskShown:
    state = TASK.decode(row["state"])
    last = RUN_SEEN.decode(row["last_run"]) if row["last_run"] else None
    status = tasks.shown_status(state, row["has_runs"])
    return TaskShown(state, status, row["created_seq"], last)
