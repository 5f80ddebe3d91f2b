"""Orchestrations as their readers may see them."""

from collections.abc import Sequence
from uuid import UUID

from libs.domain.orchestration import Orchestration
from libs.domain.workspace import Workspace
from libs.identity.users import User
from libs.postgres.pool import Database
from services.api.access import authorize as access
from services.api.fields import DEFAULT_RUNS, MAX_LISTED
from services.api.orchestrations import schemas
from services.api.read_model.orchestrations import orchestration_page
from services.api.read_model.row_types import NEWEST, Rows
from services.api.read_model.tasks import TaskRow, task_page
from services.api.tasks.schemas import Task
from services.api.workspaces import schemas as workspace_schemas


async def of_workspace(
    user: User, rows: Rows, which: schemas.ListOrchestrations
) -> list[Orchestration]:
    """A page of the orchestrations of a workspace, oldest first."""
    await access.workspace(user, rows, which.workspace_id)
    before = await access.before(rows, "orchestration", which.before)
    return await orchestration_page(rows, [which.workspace_id], before, which.limit or MAX_LISTED)


async def with_tasks(
    user: User, database: Database, which: schemas.ListAllOrchestrations
) -> list[schemas.OrchestrationItem]:
    """A page of orchestrations, oldest first, each with its tasks, newest first; a snapshot."""
    async with database.snapshot() as rows:
        workspaces = await _workspaces(user, rows, which.workspace_ids)
        ids = [state.id for state in workspaces]
        before = await access.before(rows, "orchestration", which.before)
        page = await orchestration_page(rows, ids, before, which.limit or MAX_LISTED)
        tasks = await task_page(
            rows,
            ids,
            DEFAULT_RUNS,
            killed=bool(which.killed),
            orchestrations=[state.id for state in page],
            before=NEWEST,
            limit=MAX_LISTED,
        )
    shown = {state.id: workspace_schemas.Workspace.of(state) for state in workspaces}
    tasks_of = _by_orchestration(tasks, frozenset(which.task_run_status))
    return [
        schemas.OrchestrationItem(
            schemas.Orchestration.of(state), tasks_of.get(state.id, []), shown[state.workspace]
        )
        for state in page
    ]


async def _workspaces(user: User, rows: Rows, ids: Sequence[int]) -> list[Workspace]:
    if not ids:
        return await access.workspaces(user, rows)
    distinct = dict.fromkeys(ids)
    return [await access.workspace(user, rows, id, "workspace_ids") for id in distinct]


def _by_orchestration(rows: Sequence[TaskRow], statuses: frozenset[str]) -> dict[UUID, list[Task]]:
    """If there are `statuses`, only tasks with a run that has one of them."""
    tasks: dict[UUID, list[Task]] = {}
    for row in rows:
        if not statuses or {run.status for run in row.runs} & statuses:
            tasks.setdefault(row.task.orchestration, []).append(Task.of(row))
    return tasks
