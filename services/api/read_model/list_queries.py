"""Pages of what people look at: newest first, a page's worth at a time, however much there is.

`before` is the `seq` of the last item of the page before, none for the first page. Where several
workspaces or statuses are asked for, each gives its newest from its own part of an index: a page
costs what it shows, not what it leaves out.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec

from libs.domain import run as runs
from libs.domain import task as tasks
from libs.domain.events import Kind
from libs.domain.orchestration import Orchestration
from libs.domain.run import Run
from libs.domain.run_end import ENDED
from libs.domain.task import Task
from services.api.read_model.row_types import (
    BEGUN,
    NEWEST,
    ORCHESTRATION,
    RUN,
    RUN_SEEN,
    TASK,
    Rows,
    RunSeen,
)

WorkloadStatus = Literal["active", "inactive", "error"]


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
    last_run: RunSeen | None


class RunShown(msgspec.Struct, frozen=True):
    run: Run
    task_name: str | None
    task_kind: Kind
    seq: int


class TaskStats(msgspec.Struct, frozen=True):
    """Of a task's last runs that have ended; seconds are none when there are no such runs."""

    counts: dict[runs.Status, int]
    median_seconds: float | None
    p95_seconds: float | None
    longest_seconds: float | None


_CAN_RUN = """(SELECT true FROM task
        WHERE task.orchestration = orchestration.id AND can_run AND NOT spent LIMIT 1)"""
_WORKLOADS = """
SELECT newest.* FROM unnest($1::bigint[]) AS mine (workspace), LATERAL (
    SELECT state, created_seq, {status} AS status FROM orchestration
    WHERE workspace = mine.workspace AND created_seq < $2 AND strpos(title, $3) > 0 AND {which}
    ORDER BY created_seq DESC LIMIT $4) AS newest
ORDER BY created_seq DESC LIMIT $4
"""
# By the status that is asked for.
_WORKLOADS_THAT_ARE: dict[WorkloadStatus | None, str] = {
    None: _WORKLOADS.format(
        which="true",
        status=f"CASE WHEN failed THEN 'error' WHEN {_CAN_RUN} THEN 'active' ELSE 'inactive' END",
    ),
    "error": _WORKLOADS.format(which="failed", status="'error'"),
    "active": _WORKLOADS.format(which=f"NOT failed AND {_CAN_RUN}", status="'active'"),
    "inactive": _WORKLOADS.format(which=f"NOT failed AND {_CAN_RUN} IS NULL", status="'inactive'"),
}


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
    query = _WORKLOADS_THAT_ARE[status]
    found = await rows.fetch(query, workspaces, before or NEWEST, wanted, limit)
    return [
        Workload(ORCHESTRATION.decode(row["state"]), row["status"], row["created_seq"])
        for row in found
    ]


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


_LAST_RUNS = """
SELECT status, extract(epoch FROM ended - begun)::float8 AS seconds
FROM unnest($2::text[]) AS of (name), LATERAL (
    SELECT status, begun, ended, created_seq FROM run
    WHERE task = $1 AND run.status = of.name ORDER BY created_seq DESC LIMIT $3) AS newest
ORDER BY created_seq DESC LIMIT $3
"""


async def task_stats(rows: Rows, task: UUID, last_n: int) -> TaskStats:
    """How its last `last_n` runs that have ended went."""
    found = await rows.fetch(_LAST_RUNS, task, sorted(ENDED), last_n)
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
