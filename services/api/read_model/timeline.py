"""What the timeline reads: the tasks that ran in a window of time, and their runs in it.

Lasting and open runs reach into a window from before it; see `span` in the migrations for how they
are found. Windows are [start, end).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from libs.domain import run as runs
from libs.domain.task import Task
from libs.postgres.statements import load
from services.api.read_model.row_types import LONGEST, OPEN, TASK, Rows

_SQL = load(__name__)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class RunBucket(msgspec.Struct, frozen=True):
    """Runs of one task and status that began in the step number `bucket` of a window (0: or
    before it). `total_seconds` is how long those that have ended took, together."""

    task: UUID
    bucket: int
    status: runs.Status
    count: int
    total_seconds: float


class RunBar(msgspec.Struct, frozen=True):
    """A run as a bar: from when it began, or was requested, to its end."""

    task: UUID
    id: UUID
    status: runs.Status
    begun: datetime
    ended: datetime | None


def reach(start: datetime) -> tuple[list[int], list[datetime]]:
    """Each span, and the earliest begin of its runs that reach into the window."""
    since = {span: start - timedelta(seconds=10**span) for span in range(LONGEST)}
    since |= {LONGEST: _EVER, OPEN: _EVER}
    return list(since), list(since.values())


async def tasks_that_ran(
    rows: Rows, workspace: int, start: datetime, end: datetime, limit: int
) -> list[Task]:
    """Tasks with a run in the window; the one that ran last comes first."""
    spans, since = reach(start)
    records = await rows.fetch(_SQL["tasks_that_ran"], workspace, spans, since, start, end, limit)
    return [TASK.decode(row["state"]) for row in records]


async def scheduled_tasks(rows: Rows, workspace: int, limit: int) -> list[Task]:
    """Tasks with an active schedule, newest first."""
    records = await rows.fetch(_SQL["scheduled_tasks"], workspace, limit)
    return [TASK.decode(row["state"]) for row in records]


async def run_buckets(
    rows: Rows,
    workspace: int,
    tasks: Sequence[UUID],
    start: datetime,
    end: datetime,
    step_seconds: float,
) -> list[RunBucket]:
    """The runs of some tasks in the window, counted by step and status."""
    spans, since = reach(start)
    arguments = (workspace, spans, since, start, end, tasks, step_seconds)
    return [RunBucket(*row) for row in await rows.fetch(_SQL["run_buckets"], *arguments)]


async def run_bars(
    rows: Rows, workspace: int, tasks: Sequence[UUID], start: datetime, end: datetime
) -> list[RunBar]:
    """The runs of some tasks in the window, in the order in which they began."""
    spans, since = reach(start)
    arguments = (workspace, spans, since, start, end, tasks)
    return [RunBar(*row) for row in await rows.fetch(_SQL["run_bars"], *arguments)]
