"""A task: an order to run an orchestration once, on a schedule, or continuously."""

from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

import msgspec

from libs.domain import names
from libs.domain import schedule as schedules
from libs.domain.errors import Rejected
from libs.domain.events import (
    RunRequested,
    TaskCompleted,
    TaskCreated,
    TaskEvent,
    TaskFailed,
    TaskKilled,
    TaskKillRequested,
    TaskPaused,
    TaskPauseRequested,
    TaskResumed,
    TaskResumeRequested,
    TaskStarted,
)
from libs.domain.history import Happened, existing
from libs.domain.orchestration import Orchestration
from libs.domain.transitions import Transition, Transitions
from libs.domain.values import Kind, Mode, Retry, Schedule

Status = Literal[
    "pending",
    "started",
    "pending_pause",
    "paused",
    "pending_resume",
    "pending_kill",
    "killed",
    "failed",
    "success",
]

MAX_NAME = 256
MAX_TIMEOUT = 31 * 24 * 3600
MAX_ATTEMPTS = 100
GRACE, MAX_GRACE = 5.0, 600.0  # seconds, where a task names none; at most

# A kill may be asked for at any time, also of what has ended: it leaves the list.
_KILLABLE = tuple(one for one in get_args(Status) if one not in ("pending_kill", "killed"))
TRANSITIONS: Transitions[Status] = Transitions(
    Transition(TaskCreated, (), ("pending",)),
    Transition(TaskStarted, ("pending",), ("started",)),
    Transition(TaskPauseRequested, ("pending", "started", "pending_resume"), ("pending_pause",)),
    Transition(TaskPaused, ("pending_pause",), ("paused",)),
    Transition(TaskResumeRequested, ("paused", "pending_pause"), ("pending_resume",)),
    Transition(TaskResumed, ("pending_resume",), ("started",)),
    Transition(TaskKillRequested, _KILLABLE, ("pending_kill",)),
    Transition(TaskKilled, ("pending_kill",), ("killed",)),
    Transition(TaskFailed, ("pending", "started", "paused"), ("failed",)),
    Transition(TaskCompleted, ("started",), ("success",)),
)
SCHEDULE_ENDED = "schedule_ended"  # the reason of TaskCompleted: there is no other


class Task(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`active_since` is where ticks begin to count: at TaskStarted, and again at TaskResumed."""

    id: UUID
    workspace: int
    owner: str
    orchestration: UUID
    kind: Kind
    name: str | None
    arguments: dict[str, Any]
    timeout: int | None
    debug: bool
    schedule: Schedule | None
    retry: Retry
    status: Status
    created_at: datetime
    updated_at: datetime
    active_since: datetime | None = None
    keep_logs: bool = False
    reason: str = ""
    mode: Mode | None = None
    grace: float | None = None


def evolve(state: Task | None, fact: Happened) -> Task:
    """The task after one more of its events. ValueError for another's event, or a log that begins
    in the middle."""
    event = fact.event
    if isinstance(event, TaskCreated):
        return _created(event, fact)
    known = existing(state, type(event).__name__)
    if not isinstance(event, TaskEvent):
        raise ValueError(f"{type(event).__name__} is no event of a task")
    status = TRANSITIONS.target(type(event))
    changes: dict[str, Any] = {"status": status, "updated_at": fact.at}
    match event:
        case TaskStarted() | TaskResumed():
            changes["active_since"] = fact.at
        case TaskKillRequested(keep_logs=keep_logs):
            changes["keep_logs"] = keep_logs
        case TaskFailed(reason=reason) | TaskCompleted(reason=reason):
            changes["reason"] = reason
    return msgspec.structs.replace(known, **changes)


def _created(event: TaskCreated, fact: Happened) -> Task:
    return Task(
        id=fact.stream.uuid,
        workspace=fact.stream.workspace,
        owner=fact.actor,
        orchestration=event.orchestration,
        kind=event.kind,
        name=event.name,
        arguments=event.arguments,
        timeout=event.timeout,
        debug=event.debug,
        schedule=event.schedule,
        retry=event.retry,
        mode=event.mode,
        grace=event.grace,
        status="pending",
        created_at=fact.at,
        updated_at=fact.at,
    )


def create(order: TaskCreated, orchestration: Orchestration, now: datetime) -> list[TaskCreated]:
    """Refuses an order that could never run, naming the field that stands in the way."""
    if orchestration.status == "error":
        raise Rejected(
            "invalid", f"orch_id: this orchestration could not be packaged: {orchestration.reason}"
        )
    if order.name is not None:
        names.check("name", order.name, MAX_NAME)
    if order.timeout is not None and not 1 <= order.timeout <= MAX_TIMEOUT:
        raise Rejected("invalid", f"timeout: give 1 to {MAX_TIMEOUT} seconds, or leave it out")
    if order.grace is not None and not 0 <= order.grace <= MAX_GRACE:
        raise Rejected("invalid", f"grace: give 0 to {MAX_GRACE:g} seconds, or leave it out")
    if not 1 <= order.retry.attempts <= MAX_ATTEMPTS or not 0 <= order.retry.backoff <= 3600:
        raise Rejected(
            "invalid", f"retry: give 1 to {MAX_ATTEMPTS} attempts and a backoff of 0 to 3600 s"
        )
    if order.schedule is not None:
        schedules.check(order.schedule, now)
    return [order]


def first_run(
    id: UUID, order: TaskCreated, at: datetime, orchestration: Orchestration
) -> RunRequested | None:
    """The run that an order, given at `at`, brings with it: to run once what is ready.

    In any other case the scheduler asks for runs.
    """
    if order.kind != "once" or orchestration.status != "ready":
        return None
    return RunRequested(task=id, scheduled_at=at)


def pause(task: Task) -> list[TaskEvent]:
    """Pausing twice is pausing once. Rejected("invalid") for a task that runs once, "conflict" for
    one that is to end or has ended."""
    if task.kind == "once":
        raise Rejected("invalid", "id: a run-once task has no ticks to pause; kill it instead")
    if task.status in ("paused", "pending_pause"):
        return []
    if not TRANSITIONS.allow(task.status, TaskPauseRequested):
        raise Rejected("conflict", f"id: this task is {task.status}, so it can't be paused")
    return [TaskPauseRequested()]


def resume(task: Task) -> list[TaskEvent]:
    """Resuming twice is resuming once. Rejected("conflict") for one that is to end or has ended."""
    if task.status in ("started", "pending", "pending_resume"):
        return []
    if not TRANSITIONS.allow(task.status, TaskResumeRequested):
        raise Rejected("conflict", f"id: this task is {task.status}, so it can't be resumed")
    return [TaskResumeRequested()]


def kill(task: Task, keep_logs: bool) -> list[TaskEvent]:
    """Killing twice is killing once. An ended task can be killed too: it leaves the list."""
    if not TRANSITIONS.allow(task.status, TaskKillRequested):
        return []
    return [TaskKillRequested(keep_logs=keep_logs)]


def fail(task: Task, reason: str, missed: int = 0) -> list[TaskEvent]:
    """It can't run at all, for a reason that people read. What is on its way somewhere else gets
    there first; `missed` as in `settle`."""
    if not TRANSITIONS.allow(task.status, TaskFailed):
        return []
    return [TaskFailed(reason=reason, missed=missed)]


def complete(task: Task, missed: int = 0) -> list[TaskEvent]:
    """Its schedule has no instant left; `missed` as in `settle`."""
    if not TRANSITIONS.allow(task.status, TaskCompleted):
        return []
    return [TaskCompleted(reason=SCHEDULE_ENDED, missed=missed)]


def settle(
    task: Task, orchestration_ready: bool, open_runs: bool, missed: int = 0
) -> list[TaskEvent]:
    """What the scheduler makes true of what was asked for, as soon as it can be.

    `missed` ticks were due before and came to nothing, should this be the task's end.
    """
    match task.status:
        case "pending_kill" if not open_runs:
            return [TaskKilled(keep_logs=task.keep_logs, missed=missed)]
        case "pending_pause":
            return [TaskPaused()]
        case "pending_resume":
            return [TaskResumed()]
        case "pending" if orchestration_ready and task.kind != "once":
            return [TaskStarted()]
    return []


def is_to_be_killed(task: Task) -> bool:
    """Whether somebody has asked for its end: nothing of it starts any more, and what runs ends."""
    return task.status in ("pending_kill", "killed")


def ticks_count(task: Task) -> bool:
    """Whether ticks of its schedule lead, or are about to lead, to runs."""
    return task.status in ("pending", "started", "pending_resume")


def can_run(task: Task) -> bool:
    """Whether runs of it go on or may still come, by what its own events say."""
    return task.status not in ("killed", "failed", "success")


def tries(task: Task) -> int | None:
    """How many runs it has at most; none when there is no such number."""
    return task.retry.attempts if task.kind == "once" else None


def shown_status(task: Task, has_runs: bool) -> Status:
    """A run-once task is started once its run is asked for, and stays so when it has ended."""
    if task.kind == "once" and task.status == "pending" and has_runs:
        return "started"
    return task.status
