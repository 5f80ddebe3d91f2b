"""Bodies and answers of the routes for tasks: names and order of the MLOps API, and our own
fields."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libs.domain import task
from libs.domain.values import Kind, Misfire, Mode, Overlap, Retry
from services.api.fields import (
    ARCH,
    VERSION,
    Before,
    Created,
    Few,
    Instant,
    Page,
    Sha,
    WorkspaceId,
)
from services.api.read_model.tasks import TaskRow
from services.api.runs.schemas import TaskRun


class RetryPolicy(msgspec.Struct):
    """How often a run that fails or times out is tried in all, and the first pause in seconds.

    The pause doubles from one try to the next.
    """

    attempts: int = 1
    backoff: float = 1.0


class RunTask(msgspec.Struct, kw_only=True):
    """`json` are the arguments of the task. `timeout` is how many seconds a run may take. With
    `mode` `exec` each run is a new interpreter; with `fork` it has its imports loaded already, if
    possible. `grace` is how many seconds a run that is killed or timed out gets to end by itself;
    default 5.
    """

    orch_id: UUID
    workspace_id: WorkspaceId
    json: dict[str, Any] | None = None
    name: str | None = None
    timeout: int | None = None
    debug: bool | None = None
    retry: RetryPolicy | None = None
    mode: Mode | None = None
    grace: float | None = None


class RunScheduled(RunTask, kw_only=True):
    """`misfire` says what becomes of ticks that could not be fired in time, `overlap` what a tick
    does while an earlier run is still open."""

    schedule: Annotated[
        str,
        Meta(
            description="Cron: 5 fields, or 6 with seconds first; see docs/schedules.md.",
            examples=["*/5 * * * *"],
        ),
    ]
    zone: Annotated[str, Meta(description="IANA time zone.", examples=["Europe/Berlin"])] = "UTC"
    misfire: Misfire = "latest"
    misfire_cap: int = 100
    overlap: Overlap = "allow"


class TaskById(msgspec.Struct):
    id: UUID
    run_limit: Few | None = None


class ListTasks(msgspec.Struct):
    """With `killed` the list has only killed tasks, otherwise only others."""

    workspace_id: WorkspaceId | None = None
    orch_id: UUID | None = None
    orch_sha: Sha | None = None
    killed: bool | None = None
    run_limit: Few | None = None
    limit: Page | None = None
    before: Before | None = None


class TasksBySha(msgspec.Struct):
    sha: Sha


class KillTask(msgspec.Struct):
    """The logs of its runs are deleted too, unless `keep_logs` is true."""

    id: UUID
    keep_logs: bool = False


class PauseTask(msgspec.Struct):
    """`pause`: true pauses the task, false resumes it."""

    id: UUID
    pause: bool


RunType = Literal["Oneshot", "CronJob", "NetworkService"]
# Clients tell a task of an orchestration from other tasks by the end of this name.
_IMAGE = "rondo/arbex-orch-deploy"
_RUN_TYPES: dict[Kind, RunType] = {
    "once": "Oneshot",
    "scheduled": "CronJob",
    "continuous": "NetworkService",
}


class Scheduled(Created):
    """`upcoming` are the next five instants in the zone of the schedule, or fewer if there are no
    more."""

    upcoming: list[Instant]


class Task(msgspec.Struct, kw_only=True):
    """`last_runs` is oldest first. Only tasks with a grace of their own have `grace`, only
    scheduled ones `schedule` to `overlap`, only those that run once `flavor` and `exec_type`."""

    id: UUID
    name: str | None
    workspace_id: int
    orch_id: UUID
    kind: Kind
    run_type: RunType
    status: task.Status
    reason: str
    killed: bool
    input_data: dict[str, Any]
    timeout: int | None
    debug: bool
    retry: Retry
    mode: Mode | None
    created_at: Instant
    updated_at: Instant
    last_runs: list[TaskRun]
    grace: float | UnsetType = UNSET
    schedule: str | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    misfire: str | UnsetType = UNSET
    misfire_cap: int | UnsetType = UNSET
    overlap: str | UnsetType = UNSET
    flavor: str | UnsetType = UNSET
    exec_type: str | UnsetType = UNSET
    image: str = _IMAGE
    image_tag: str = VERSION
    arch: str = ARCH
    bind_secrets: list[str] = []
    extra_env_vars: dict[str, str]
    auth_init: bool = True
    reap_threshold_secs: int = 900
    ns_prefix: str = "rondo"

    @staticmethod
    def of(row: TaskRow) -> "Task":
        state = row.task
        return Task(
            id=state.id,
            name=state.name,
            workspace_id=state.workspace,
            orch_id=state.orchestration,
            kind=state.kind,
            run_type=_RUN_TYPES[state.kind],
            status=task.shown_status(state, row.has_runs),
            reason=state.reason,
            killed=state.status == "killed",
            input_data=state.arguments,
            timeout=state.timeout,
            debug=state.debug,
            retry=state.retry,
            mode=state.mode,
            grace=UNSET if state.grace is None else state.grace,
            created_at=state.created_at,
            updated_at=state.updated_at,
            last_runs=[TaskRun.seen(run) for run in reversed(row.runs)],
            extra_env_vars=_environment(row),
            **_of_kind(state),
        )


def _of_kind(state: task.Task) -> dict[str, Any]:
    if state.schedule is not None:
        fields = msgspec.structs.asdict(state.schedule)
        return {"schedule": fields.pop("expression"), **fields}
    if state.kind == "once":
        return {"flavor": "exec_orch_oneshot", "exec_type": "job"}
    return {}


def _environment(row: TaskRow) -> dict[str, str]:
    return {
        "ORCH_ID": str(row.task.orchestration),
        "ORCH_OWNER_ID": row.orchestration_owner,
        "ORCH_SHA": row.sha,
        "TASK_DEBUG": str(row.task.debug).lower(),
        "TASK_ID": str(row.task.id),
    }


class TaskIds(msgspec.Struct):
    ids: list[UUID]
