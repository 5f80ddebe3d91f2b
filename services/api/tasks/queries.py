"""Tasks as their readers may see them."""

from collections.abc import Sequence
from uuid import UUID

from libs.identity.users import User
from libs.postgres.pool import Database
from services.api.access import authorize as access
from services.api.fields import DEFAULT_RUNS, MAX_LISTED
from services.api.read_model.orchestrations import orchestrations_of_sha
from services.api.read_model.row_types import Rows
from services.api.read_model.tasks import TaskRow, task_ids_of_sha, task_page
from services.api.tasks.schemas import ListTasks


async def one(user: User, rows: Rows, id: UUID, run_limit: int | None) -> TaskRow:
    """A task with its newest `run_limit` runs."""
    return await access.task(user, rows, id, _runs(run_limit))


async def listed(user: User, rows: Database, which: ListTasks) -> list[TaskRow]:
    """A page of tasks, newest first."""
    if which.orch_id is not None:
        await access.orchestration(user, rows, which.orch_id, "orch_id")
    workspaces = await _workspaces(user, rows, which.workspace_id)
    return await task_page(
        rows,
        workspaces,
        _runs(which.run_limit),
        killed=bool(which.killed),
        orchestrations=await _orchestrations(rows, workspaces, which),
        before=await access.before(rows, "task", which.before),
        limit=which.limit or MAX_LISTED,
    )


async def _orchestrations(
    rows: Rows, workspaces: Sequence[int], which: ListTasks
) -> list[UUID] | None:
    """The orchestrations whose tasks the request wants; None for any."""
    one = None if which.orch_id is None else [which.orch_id]
    if which.orch_sha is None:
        return one
    same = await orchestrations_of_sha(rows, workspaces, which.orch_sha.lower())
    return same if one is None else [id for id in one if id in same]


async def ids_of_sha(user: User, rows: Rows, sha: str) -> list[UUID]:
    """The tasks of every upload of the same bytes, newest first; `sha` is hex in any case."""
    visible = await _workspaces(user, rows, None)
    return await task_ids_of_sha(rows, visible, sha.lower(), MAX_LISTED)


async def _workspaces(user: User, rows: Rows, id: int | None) -> list[int]:
    if id is not None:
        return [(await access.workspace(user, rows, id)).id]
    return [state.id for state in await access.workspaces(user, rows)]


def _runs(limit: int | None) -> int:
    return DEFAULT_RUNS if limit is None else limit
