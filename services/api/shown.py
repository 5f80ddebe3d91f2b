"""Pages of what people look at: newest first, a page's worth at a time, however much there is.

`before` is the `seq` of the last item of the page before, none for the first page. Where several
workspaces or statuses are asked for, each gives its newest from its own part of an index: a page
costs what it shows, not what it leaves out.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec

from libs.domain import run as runs
from libs.domain import task as tasks
from libs.domain.events import Kind
from libs.domain.orchestration import Orchestration
from libs.domain.run import Run
from libs.domain.task import Task
from services.api.rows import BEGUN, LONGEST, NEWEST, OPEN, ORCHESTRATION, RUN, TASK, Rows

WorkloadStatus = Literal["active", "inactive", "error"]

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Workload(msgspec.Struct, frozen=True):
    """`error`: it could not be packaged; `active`: a task of it runs or can still run."""

    orchestration: Orchestration
    status: WorkloadStatus
    seq: int


class TaskShown(msgspec.Struct, frozen=True):
    """`status` is the one to show; `last_run` is the newest that has begun."""

    task: Task
    status: tasks.Status
    seq: int
    last_run: Run | None


class RunShown(msgspec.Struct, frozen=True):
    run: Run
    task_name: str | None
    task_kind: Kind
    seq: int


class RunBucket(msgspec.Struct, frozen=True):
    """Runs of one task and status that began in the step number `bucket` of a window (0: or
    before it). `total_seconds` is how long those that have ended took, together."""

    task: UUID
    bucket: int
    status: runs.Status
    count: int
    total_seconds: float


class TaskStats(msgspec.Struct, frozen=True):
    """Of a task's last runs that have ended; seconds are none when there are no such runs."""

    counts: dict[runs.Status, int]
    median_seconds: float | None
    p95_seconds: float | None
    longest_seconds: float | None


# $4 is a status, null for any.
_WORKLOADS = """
SELECT state, created_seq, status FROM unnest($1::bigint[]) AS mine (workspace), LATERAL (
    SELECT state, created_seq, status FROM orchestration, LATERAL (
        SELECT CASE
            WHEN failed THEN 'error'
            WHEN EXISTS (SELECT FROM task WHERE task.orchestration = orchestration.id
                AND can_run AND NOT spent) THEN 'active'
            ELSE 'inactive' END AS status) AS of
    WHERE workspace = mine.workspace AND created_seq < $2 AND strpos(title, $3) > 0
        AND ($4::text IS NULL OR status = $4)
    ORDER BY created_seq DESC LIMIT $5) AS newest
ORDER BY created_seq DESC LIMIT $5
"""


async def workloads(
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
    found = await rows.fetch(_WORKLOADS, workspaces, before or NEWEST, wanted, status, limit)
    return [
        Workload(ORCHESTRATION.decode(row["state"]), row["status"], row["created_seq"])
        for row in found
    ]


_TASKS_OF = """
SELECT task.state, created_seq, last.state AS last_run,
    EXISTS (SELECT FROM run WHERE run.task = task.id) AS has_runs
FROM task LEFT JOIN LATERAL (
    SELECT newest.state FROM unnest($4::text[]) AS of (status), LATERAL (
        SELECT state, created_seq FROM run WHERE run.task = task.id AND run.status = of.status
        ORDER BY created_seq DESC LIMIT 1) AS newest
    ORDER BY newest.created_seq DESC LIMIT 1) AS last ON true
WHERE orchestration = $1 AND created_seq < $2 ORDER BY created_seq DESC LIMIT $3
"""


async def tasks_of(
    rows: Rows, orchestration: UUID, *, before: int | None = None, limit: int = 50
) -> list[TaskShown]:
    """Newest first, the killed ones too."""
    found = await rows.fetch(_TASKS_OF, orchestration, before or NEWEST, limit, BEGUN)
    return [_task_shown(row) for row in found]


def _task_shown(row: Any) -> TaskShown:
    state = TASK.decode(row["state"])
    last = RUN.decode(row["last_run"]) if row["last_run"] else None
    status = tasks.shown_status(state, row["has_runs"])
    return TaskShown(state, status, row["created_seq"], last)


# Runs by {scope}: a column of theirs, of which $1 has the values.
_RUNS = """
SELECT newest.state, newest.created_seq, task.name, task.kind
FROM unnest($1::{type}[]) AS mine (id), unnest($2::text[]) AS of (status), LATERAL (
    SELECT state, created_seq, task FROM run
    WHERE {scope} = mine.id AND run.status = of.status AND created_seq < $3
    ORDER BY created_seq DESC LIMIT $4) AS newest JOIN task ON task.id = newest.task
ORDER BY newest.created_seq DESC LIMIT $4
"""
_RUNS_OF_WORKSPACE = _RUNS.format(scope="workspace", type="bigint")
_RUNS_OF_ORCHESTRATION = _RUNS.format(scope="orchestration", type="uuid")
_RUNS_OF_TASK = _RUNS.format(scope="task", type="uuid")


async def runs_shown(
    rows: Rows,
    *,
    workspaces: Sequence[int] | None = None,
    orchestration: UUID | None = None,
    task: UUID | None = None,
    statuses: Sequence[runs.Status] = (),
    before: int | None = None,
    limit: int = 50,
) -> list[RunShown]:
    """Of some workspaces, an orchestration or a task; give one of the three. Newest first.

    Runs that are asked for and have not begun are shown where `statuses` says `requested`.
    """
    query, of = _scope(workspaces, orchestration, task)
    found = await rows.fetch(query, of, list(statuses) or BEGUN, before or NEWEST, limit)
    return [_run_shown(row) for row in found]


def _scope(
    workspaces: Sequence[int] | None, orchestration: UUID | None, task: UUID | None
) -> tuple[str, Sequence[object]]:
    if task is not None:
        return _RUNS_OF_TASK, [task]
    if orchestration is not None:
        return _RUNS_OF_ORCHESTRATION, [orchestration]
    return _RUNS_OF_WORKSPACE, workspaces or []


def _run_shown(row: Any) -> RunShown:
    return RunShown(RUN.decode(row["state"]), row["name"], row["kind"], row["created_seq"])


# Runs of a span can only reach into the window if they began that much before it, or in it.
_BETWEEN = """
WITH found AS (
    SELECT reaching.* FROM unnest($1::bigint[]) AS mine (workspace),
        unnest($2::smallint[], $3::timestamptz[]) AS of (span, since),
        LATERAL (
            SELECT state, created_seq, task, status, begun, ended FROM run
            WHERE workspace = mine.workspace AND run.span = of.span
                AND begun >= since AND begun < $5 AND (ended IS NULL OR ended >= $4)
            ORDER BY begun DESC LIMIT $6) AS reaching)
{what}"""
_RUNS_BETWEEN = _BETWEEN.format(
    what="""
SELECT found.state, found.created_seq, task.name, task.kind
FROM found JOIN task ON task.id = found.task ORDER BY begun DESC LIMIT $6"""
)
_BUCKETS = _BETWEEN.format(
    what="""
SELECT task, floor(greatest(extract(epoch FROM begun - $4), 0) / $7)::integer AS bucket, status,
    count(*) AS count,
    coalesce(sum(extract(epoch FROM ended - begun)), 0)::float8 AS total_seconds
FROM found GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
)


async def runs_between(
    rows: Rows, workspaces: Sequence[int], start: datetime, end: datetime, limit: int
) -> list[RunShown]:
    """What ran, or waited to, at some time in [start, end): the last to begin first."""
    spans, since = reach(start)
    found = await rows.fetch(_RUNS_BETWEEN, workspaces, spans, since, start, end, limit)
    return [_run_shown(row) for row in found]


async def run_buckets(
    rows: Rows, workspaces: Sequence[int], start: datetime, end: datetime, step_seconds: float
) -> list[RunBucket]:
    """The same runs, all of them, counted by task, status and when they began."""
    spans, since = reach(start)
    arguments = (workspaces, spans, since, start, end, None, step_seconds)
    return [RunBucket(*row) for row in await rows.fetch(_BUCKETS, *arguments)]


def reach(start: datetime) -> tuple[list[int], list[datetime]]:
    """Each span, and when its runs that reach into a window began at the earliest."""
    since = {span: start - timedelta(seconds=10**span) for span in range(LONGEST)}
    since |= {LONGEST: _EVER, OPEN: _EVER}
    return list(since), list(since.values())


_LAST_RUNS = """
SELECT status, extract(epoch FROM ended - begun)::float8 AS seconds
FROM unnest($2::text[]) AS of (name), LATERAL (
    SELECT status, begun, ended, created_seq FROM run
    WHERE task = $1 AND run.status = of.name ORDER BY created_seq DESC LIMIT $3) AS newest
ORDER BY created_seq DESC LIMIT $3
"""


async def task_stats(rows: Rows, task: UUID, last_n: int) -> TaskStats:
    """How its last `last_n` runs that have ended went."""
    found = await rows.fetch(_LAST_RUNS, task, sorted(runs.ENDED), last_n)
    seconds = sorted(row["seconds"] for row in found)
    counts: dict[runs.Status, int] = {}
    for row in found:
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    return TaskStats(
        counts, _of_share(seconds, 0.5), _of_share(seconds, 0.95), _of_share(seconds, 1.0)
    )


def _of_share(ordered: Sequence[float], share: float) -> float | None:
    """The value that `share` of them do not exceed."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None


async def run_counts(rows: Rows, workspaces: Sequence[int]) -> dict[int, dict[runs.Status, int]]:
    """How many runs of each status a workspace has; one without runs is left out."""
    found = await rows.fetch("SELECT * FROM run_count WHERE workspace = ANY ($1)", workspaces)
    return {
        row["workspace"]: {name: count for name, count in row.items() if name != "workspace"}
        for row in found
    }
