"""Answers that go out: names, types and orders are the MLOps API's, with fields of our own added.

They are made from the domain's states here and nowhere else.
"""

import platform
from datetime import datetime
from importlib.metadata import version
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libs.domain import connection, orchestration, run, task, workspace
from libs.domain.events import Kind, Mode, Retry, Role
from libs.identity.users import User
from services.api.read_model.row_types import RunSeen
from services.api.read_model.tasks import TaskRow
from services.api.requests import RunStatus

Instant = Annotated[datetime, Meta(tz=True)]
RunType = Literal["Oneshot", "CronJob", "NetworkService"]

ARCH: Literal["x86", "arm"] = "arm" if platform.machine() in ("aarch64", "arm64") else "x86"
VERSION = version("rondo")

# Clients tell a task of an orchestration from other tasks by the end of this name.
_IMAGE = "rondo/arbex-orch-deploy"
_RUN_TYPES: dict[Kind, RunType] = {
    "once": "Oneshot",
    "scheduled": "CronJob",
    "continuous": "NetworkService",
}


class ClientConfig(msgspec.Struct):
    default_arch: Literal["x86", "arm"]


class Created(msgspec.Struct):
    id: UUID


class Scheduled(Created):
    """`upcoming` are the next five instants, or fewer where there are no more, by the clock of the
    schedule's zone."""

    upcoming: list[Instant]


class WorkspaceCreated(msgspec.Struct):
    workspace_id: int


class Workspace(msgspec.Struct):
    """`models` and `pipelines` are empty: there are none here."""

    id: int
    name: str
    created_at: Instant
    created_by: str
    archived: bool = False
    models: list[int] = []
    pipelines: list[int] = []

    @staticmethod
    def of(state: workspace.Workspace) -> "Workspace":
        return Workspace(state.id, state.name, state.created_at, state.created_by)


class Workspaces(msgspec.Struct):
    workspaces: list[Workspace]


class Member(msgspec.Struct):
    user_id: UUID
    email: str
    username: str
    user_type: Role

    @staticmethod
    def of(user: User, role: Role) -> "Member":
        return Member(user.id, user.email, user.username, role)


class Members(msgspec.Struct):
    users: list[Member]


class MemberRemoved(msgspec.Struct):
    workspace_id: int
    user_id: UUID


class Connection(msgspec.Struct, kw_only=True):
    """`details` only where one is asked for, not in lists; `workspace_names` are those that the
    caller may see."""

    id: UUID
    name: str
    type: str
    created_at: Instant
    created_by: str
    workspace_names: list[str]
    details: Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "object"})] | UnsetType = UNSET

    @staticmethod
    def of(
        state: connection.Connection, names: dict[int, str], details: bytes | None = None
    ) -> "Connection":
        return Connection(
            id=state.id,
            name=state.name,
            type=state.kind,
            created_at=state.created_at,
            created_by=state.created_by,
            workspace_names=[names[id] for id in state.workspaces if id in names],
            details=UNSET if details is None else msgspec.Raw(details),
        )


class Connections(msgspec.Struct):
    connections: list[Connection]


class KeysRotated(msgspec.Struct):
    """How many connections' keys an older key of the ring had protected."""

    rotated: int


class Orchestration(msgspec.Struct, kw_only=True):
    """`reason` says why it is in `error`; `owner_id` is who uploaded it.

    `progress`, of a single one in `packaging`: what is being fetched or made, and how far that is.
    """

    id: UUID
    workspace_id: int
    name: str | None
    sha: str
    file_name: str
    file_size: int
    entrypoint: str
    image_path: str = ""
    task_id: UUID | None = None
    owner_id: str
    created_by: str
    status: orchestration.Status
    reason: str
    created_at: Instant
    updated_at: Instant
    progress: str | UnsetType = UNSET

    @staticmethod
    def of(state: orchestration.Orchestration, progress: str = "") -> "Orchestration":
        return Orchestration(
            progress=progress or UNSET,
            id=state.id,
            workspace_id=state.workspace,
            name=state.name,
            sha=state.sha,
            file_name=state.file_name,
            file_size=state.file_size,
            entrypoint=state.entrypoint,
            owner_id=state.owner,
            created_by=state.owner,
            status=state.status,
            reason=state.reason,
            created_at=state.created_at,
            updated_at=state.updated_at,
        )


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


class Task(msgspec.Struct, kw_only=True):
    """`last_runs` is oldest first. `grace` is of tasks that have their own, `schedule` to `overlap`
    of scheduled ones only, `flavor` and `exec_type` of those that run once."""

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


class OrchestrationItem(msgspec.Struct):
    orchestration: Orchestration
    tasks: list[Task]
    workspace: Workspace


class OrchestrationItems(msgspec.Struct):
    orchestrations: list[OrchestrationItem]


class Logs(msgspec.Struct):
    """`complete` says whether these are all the lines that the run has written."""

    logs: list[str]
    complete: bool
