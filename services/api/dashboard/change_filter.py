"""Which events of a workspace change the page of one workload or task."""

from collections.abc import Sequence
from uuid import UUID

from libs.cache.bounded import BoundedCache
from libs.domain.events import RunRequested
from libs.eventlog.envelope import Recorded
from services.api.read_model.row_types import Rows
from services.api.read_model.runs import find_begun_run
from services.api.read_model.tasks import find_task

_MAX_KNOWN = 1000


class Concern:
    """`about` is the id of a workload or a task; None means all events.

    Events of runs don't name the workload, so it is read from the views, once for each thing.
    """

    def __init__(self, rows: Rows, about: UUID | None) -> None:
        self._rows = rows
        self._about = about
        self._known: BoundedCache[UUID, UUID] = BoundedCache(_MAX_KNOWN)

    async def any(self, events: Sequence[Recorded]) -> bool:
        if self._about is None:
            return bool(events)
        for event in events:
            if await self._changes(event):
                return True
        return False

    async def _changes(self, event: Recorded) -> bool:
        about: UUID | None = UUID(event.stream.id)
        if self._about == about:
            return True
        if isinstance(event.event, RunRequested):
            about = event.event.task
        elif event.stream.aggregate == "run":
            about = await self._task_of(UUID(event.stream.id))
        return about is not None and self._about in (about, await self._workload_of(about))

    async def _task_of(self, run: UUID) -> UUID | None:
        if run not in self._known and (state := await find_begun_run(self._rows, run)):
            self._known[run] = state.task
        return self._known.get(run)

    async def _workload_of(self, task: UUID) -> UUID | None:
        if task not in self._known and (row := await find_task(self._rows, task, 0)):
            self._known[task] = row.task.orchestration
        return self._known.get(task)
