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
from services.api.read_model.row_types import LONGEST, OPEN, TASK, Rows

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
    """A run as long as it lasts: from when it began, or was asked for, to its end."""

    task: UUID
    id: UUID
    status: runs.Status
    begun: datetime
    ended: datetime | None


# Within a span, task by task: each step goes on from where the last one's newest run was found,
# so all of them together walk the window once at most.
_LANES = """
SELECT task.state FROM (
    SELECT lane.task, max(lane.begun) AS last
    FROM unnest($2::smallint[], $3::timestamptz[]) AS of (span, since), LATERAL (
        WITH RECURSIVE found (task, begun, all_of) AS (
            SELECT NULL::uuid, $5::timestamptz, '{}'::uuid[]
            UNION ALL
            SELECT next.task, next.begun, all_of || next.task FROM found, LATERAL (
                SELECT run.task, run.begun FROM run
                WHERE workspace = $1 AND span = of.span AND run.begun >= since
                    AND run.begun <= found.begun AND run.begun < $5
                    AND (ended IS NULL OR ended >= $4) AND run.task <> ALL (all_of)
                ORDER BY run.begun DESC LIMIT 1) AS next
            WHERE cardinality(all_of) < $6)
        SELECT found.task, found.begun FROM found WHERE found.task IS NOT NULL) AS lane
    GROUP BY lane.task ORDER BY last DESC LIMIT $6) AS newest
JOIN task ON task.id = newest.task ORDER BY last DESC, task.id
"""
_SCHEDULED = """
SELECT state FROM task WHERE workspace = $1 AND kind = 'scheduled' AND status = 'started'
ORDER BY created_seq DESC LIMIT $2
"""
# The runs of some tasks: those that began in the window, and those that reach into it.
# OFFSET keeps the latter from being looked for task by task, through all that each has ever run.
_REACHED = """
WITH reached AS (
    SELECT id, task, status, begun, ended FROM run
    WHERE task = ANY ($6) AND begun >= $4 AND begun < $5
    UNION ALL
    SELECT before.* FROM unnest($2::smallint[], $3::timestamptz[]) AS of (span, since), LATERAL (
        SELECT id, task, status, begun, ended FROM run
        WHERE workspace = $1 AND run.span = of.span AND begun >= since AND begun < $4
            AND (ended IS NULL OR ended >= $4) OFFSET 0) AS before
    WHERE task = ANY ($6))
"""
_BUCKETS = (
    _REACHED
    + """
SELECT task, floor(greatest(extract(epoch FROM begun - $4), 0) / $7)::integer AS bucket, status,
    count(*) AS count,
    coalesce(sum(extract(epoch FROM ended - begun)), 0)::float8 AS total_seconds
FROM reached GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
)
_BARS = (
    _REACHED
    + """
SELECT task, id, status, begun, ended FROM reached ORDER BY begun, id"""
)


def reach(start: datetime) -> tuple[list[int], list[datetime]]:
    """Each span, and when its runs that reach into a window began at the earliest."""
    since = {span: start - timedelta(seconds=10**span) for span in range(LONGEST)}
    since |= {LONGEST: _EVER, OPEN: _EVER}
    return list(since), list(since.values())


async def lanes(
    rows: Rows, workspace: int, start: datetime, end: datetime, limit: int
) -> list[Task]:
    """The tasks of which anything ran in the window, the last to run first."""
    spans, since = reach(start)
    found = await rows.fetch(_LANES, workspace, spans, since, start, end, limit)
    return [TASK.decode(row["state"]) for row in found]


async def scheduled(rows: Rows, workspace: int, limit: int) -> list[Task]:
    """Tasks whose schedules go on, newest first."""
    found = await rows.fetch(_SCHEDULED, workspace, limit)
    return [TASK.decode(row["state"]) for row in found]


async def buckets(
    rows: Rows,
    workspace: int,
    tasks: Sequence[UUID],
    start: datetime,
    end: datetime,
    step_seconds: float,
) -> list[RunBucket]:
    """Some tasks' runs in the window, counted."""
    spans, since = reach(start)
    arguments = (workspace, spans, since, start, end, tasks, step_seconds)
    return [RunBucket(*row) for row in await rows.fetch(_BUCKETS, *arguments)]


async def bars(
    rows: Rows, workspace: int, tasks: Sequence[UUID], start: datetime, end: datetime
) -> list[RunBar]:
    """Some tasks' runs in the window, each; the first to begin first."""
    spans, since = reach(start)
    arguments = (workspace, spans, since, start, end, tasks)
    return [RunBar(*row) for row in await rows.fetch(_BARS, *arguments)]
