"""Task runs as their readers may see them."""

from uuid import UUID

from libs.domain.errors import Rejected
from libs.domain.run import Run
from libs.identity.users import User
from services.api.access import authorize as access
from services.api.fields import MAX_RUNS
from services.api.read_model.row_types import Rows, RunSeen
from services.api.read_model.runs import run_page
from services.api.runs.schemas import ListRuns


async def listed(user: User, rows: Rows, which: ListRuns) -> list[RunSeen]:
    """A page of a task's runs that have begun; the one that changed last comes first."""
    await access.task(user, rows, which.task_id, field="task_id")
    status = None if which.status == "all" else which.status
    before = await access.before(rows, "run", which.before)
    return await run_page(rows, which.task_id, status, which.limit or MAX_RUNS, before)


async def one(user: User, rows: Rows, id: UUID, task: UUID) -> Run:
    """A run of that task. Rejected("not_found") also when it belongs to another task."""
    state = await access.run(user, rows, id, "pod_id")
    if state.task != task:
        raise Rejected("not_found", f"task: run {state.id} is one of task {state.task}")
    return state
