"""Reads of runs: for lists of the API, for pages, and statistics of a task's last runs."""

import math
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from libs.domain import run as runs
from libs.domain.run import BEGUN, Run
from libs.domain.run_end import ENDED
from libs.domain.values import Kind
from libs.postgres.statements import load
from services.api.read_model.row_types import NEWEST, RUN, RUN_SEEN, Rows, RunSeen

_SQL = load(__name__)


class RunShown(msgspec.Struct, frozen=True):
    run: Run
    task_name: str | None
    task_kind: Kind
    seq: int


class TaskStats(msgspec.Struct, frozen=True):
    """Statistics of a task's last ended runs; seconds are None if there are no such runs."""

    counts: dict[runs.Status, int]
    median_seconds: float | None
    p95_seconds: float | None
    longest_seconds: float | None


async def find_begun_run(rows: Rows, id: UUID) -> Run | None:
    """A run that has begun, or None."""
    state = await rows.fetchval(_SQL["find_begun_run"], id)
    return RUN.decode(state) if state else None


async def find_run(rows: Rows, id: UUID) -> Run | None:
    """A run, whether or not it has begun, or None."""
    state = await rows.fetchval(_SQL["find_run"], id)
    return RUN.decode(state) if state else None


async def run_page(
    rows: Rows, task: UUID, status: str | None, limit: int, before: int = NEWEST
) -> list[RunSeen]:
    """A page of a task's runs that have begun, of one status or of all; the last changed first."""
    records = await rows.fetch(_SQL["run_page"], task, [status] if status else BEGUN, limit, before)
    return [RUN_SEEN.decode(row["state"]) for row in records]


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
    """A page of the runs of some workspaces, an orchestration or a task: give one of the three.

    The newest come first. Runs that have not begun are included if `statuses` has `requested`.
    """
    query, of = _scope(workspaces, orchestration, task)
    records = await rows.fetch(query, of, list(statuses) or BEGUN, before or NEWEST, limit)
    return [_run_shown(row) for row in records]


def _scope(
    workspaces: Sequence[int] | None, orchestration: UUID | None, task: UUID | None
) -> tuple[str, object]:
    if task is not None:
        return _SQL["runs_of_task"], task
    if orchestration is not None:
        return _SQL["runs_of_orchestration"], orchestration
    return _SQL["runs_of_workspaces"], workspaces or []


def _run_shown(row: Any) -> RunShown:
    return RunShown(RUN.decode(row["state"]), row["name"], row["kind"], row["created_seq"])


async def task_stats(rows: Rows, task: UUID, last_n: int) -> TaskStats:
    """Statistics of the last `last_n` ended runs of a task."""
    records = await rows.fetch(_SQL["last_runs"], task, sorted(ENDED), last_n)
    seconds = sorted(row["seconds"] for row in records)
    counts: dict[runs.Status, int] = {}
    for row in records:
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    return TaskStats(
        counts, _of_share(seconds, 0.5), _of_share(seconds, 0.95), _of_share(seconds, 1.0)
    )


def _of_share(ordered: Sequence[float], share: float) -> float | None:
    """The value that `share` of them do not exceed."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None


async def count_open_runs(rows: Rows) -> tuple[int, int]:
    """How many wait for an executor, and how many run, on the whole platform."""
    requested, running = await rows.fetchrow(_SQL["count_open_runs"])
    return requested, running
