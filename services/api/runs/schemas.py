"""Bodies and answers of the routes for runs: names and order of the MLOps API, and our own
fields."""

from typing import Annotated, Any, Literal, cast
from uuid import UUID

import msgspec
from msgspec import Meta

from libs.domain import run
from services.api.fields import MAX_RUNS, Before, Instant, RunStatus
from services.api.read_model.row_types import RunSeen


class ListRuns(msgspec.Struct):
    task_id: UUID
    limit: Annotated[int, Meta(ge=1, le=MAX_RUNS)] | None = None
    status: Literal["all"] | RunStatus | None = None
    before: Before | None = None


class RunDetails(msgspec.Struct):
    """`pod_id` is the id of the run."""

    task: UUID
    pod_id: UUID


class RunLogs(msgspec.Struct):
    """`id` is that of the run; `lines` is how many of the last lines to return, by default all."""

    id: UUID
    lines: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None


class TaskRun(msgspec.Struct, gc=False):
    """A run that has begun."""

    task: UUID
    run_id: UUID
    status: RunStatus
    created_at: Instant
    updated_at: Instant

    @staticmethod
    def seen(state: RunSeen) -> "TaskRun":
        status = cast(RunStatus, state.status)  # it has begun
        return TaskRun(state.task, state.id, status, state.requested_at, state.updated_at)


class TaskRunDetails(TaskRun, kw_only=True):
    """`attempt` counts from 1; `missed` are the ticks that this run stands for beside its own.

    `timing` says what came when, in seconds from `started_at`: `forked` (about to run the script),
    `first_line`, `exited`, `logged` (all output is kept). `new_interpreter` says why it was one,
    empty where the run was forked from a warm one; `own_imports` why such a run carried out imports
    at the top of its script by itself.
    """

    reason: str
    detail: str
    exit_code: int | None
    attempt: int
    missed: int
    scheduled_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    timing: dict[str, float]
    new_interpreter: str
    own_imports: str

    @staticmethod
    def of(state: run.Run) -> "TaskRunDetails":
        return msgspec.convert(_run_fields(state), TaskRunDetails)


def _run_fields(state: run.Run) -> dict[str, Any]:
    return msgspec.structs.asdict(state) | {"run_id": state.id, "created_at": state.requested_at}


class Logs(msgspec.Struct):
    """`complete` is true once these are all the lines that the run has written."""

    logs: list[str]
    complete: bool
