"""Runs, as lists of the API have them and as pages show them, and how a task's last ones went."""

import math
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from libs.domain import run as runs
from libs.domain.events import Kind
from libs.domain.run import Run
from libs.domain.run_end import ENDED
from services.api.read_model.row_types import BEGUN, NEWEST, RUN, RUN_SEEN, Rows, RunSeen


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


async def find_begun_run(rows: Rows, id: UUID) -> Run | None:
    """None too when it has not begun."""
    state = await rows.fetchval("SELECT state FROM run WHERE id = $1 AND status <> 'requested'", id)
    return RUN.decode(state) if state else None


async def find_run(rows: Rows, id: UUID) -> Run | None:
    """Whether or not it has begun."""
    state = await rows.fetchval("SELECT state FROM run WHERE id = $1", id)
    return RUN.decode(state) if state else None


async def run_page(
    rows: Rows, task: UUID, status: str | None, limit: int, before: int = NEWEST
) -> list[RunSeen]:
    """A task's runs that have begun, the last to change first; of one status, or of all."""
    found = await rows.fetch(
        """SELECT newest.state FROM unnest($2::text[]) AS of (status), LATERAL (
            SELECT state, updated_seq FROM run
            WHERE task = $1 AND run.status = of.status AND updated_seq < $4
            ORDER BY updated_seq DESC LIMIT $3) AS newest
        ORDER BY updated_seq DESC LIMIT $3""",
        task,
        [status] if status else BEGUN,
        limit,
        before,
    )
    return [RUN_SEEN.decode(row["state"]) for row in found]


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
