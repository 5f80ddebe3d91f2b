"""An example of every event, with all its fields set, and one with none that may be left out."""

from datetime import UTC, datetime
from uuid import UUID

from libs.domain.events import (
    ConnectionAttached,
    ConnectionCreated,
    ConnectionDeleted,
    ConnectionDetached,
    Event,
    OrchestrationFailed,
    OrchestrationPackagingStarted,
    OrchestrationReady,
    OrchestrationUploaded,
    RunFinished,
    RunRequested,
    RunStarted,
    SubscriptionCreated,
    SubscriptionDeleted,
    SubscriptionPaused,
    SubscriptionResumed,
    TaskCompleted,
    TaskCreated,
    TaskFailed,
    TaskKilled,
    TaskKillRequested,
    TaskPaused,
    TaskPauseRequested,
    TaskResumed,
    TaskResumeRequested,
    TaskStarted,
    WorkspaceCreated,
    WorkspaceMemberAdded,
    WorkspaceMemberRemoved,
)
from libs.domain.ids import (
    StreamId,
    connection_stream,
    orchestration_stream,
    run_id,
    run_stream,
    subscription_stream,
    task_stream,
    workspace_stream,
)
from libs.domain.values import Retry, Schedule, Usage
from tests.golden.inference_examples import INFERENCE_EXAMPLES, INFERENCE_HISTORIES

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TASK = UUID("7f9c1f52-9b52-4d0e-8f43-0d7e7f5d2b11")
ORCHESTRATION = UUID("0b2d6a3e-3c2f-4a61-9a52-5d8f0c6f1e22")
CONNECTION = UUID("5d1c8a77-6f0e-4b8e-9d3a-2c4b6e8f1a33")
SUBSCRIPTION = UUID("3a9be1c4-52d7-4f09-8c6e-71f0d2a4b855")

_WORKSPACE = workspace_stream(5)
_CONNECTION = connection_stream(CONNECTION)
_SUBSCRIPTION = subscription_stream(SUBSCRIPTION)
_ORCHESTRATION = orchestration_stream(5, ORCHESTRATION)
_TASK = task_stream(5, TASK)
_RUN = run_stream(5, run_id(TASK, NOON))
_RETRIED = run_stream(5, run_id(TASK, NOON, 2))

UPLOADED = OrchestrationUploaded(
    file_name="remote_inference.zip",
    file_size=2048,
    sha="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    blob="archives/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    entrypoint="remote_inference/main.py",
    name="café forecast",
)
CREATED = TaskCreated(
    kind="scheduled",
    orchestration=ORCHESTRATION,
    name="nightly",
    arguments={"deep": {"b": [None, True]}, "limit": 2**53 + 1, "share": 0.25, "table": "daß"},
    timeout=600,
    debug=True,
    schedule=Schedule(
        expression="0 30 2 * * *",
        zone="Europe/Berlin",
        misfire="all",
        misfire_cap=7,
        overlap="queue",
    ),
    retry=Retry(attempts=3, backoff=2.5),
)
FINISHED = RunFinished(
    status="failure",
    reason="exit_code",
    detail="the script ended with exit code 3",
    exit_code=3,
    lines=1_000_000,
    usage=Usage(cpu_seconds=1.5, max_rss_bytes=64 << 20),
)

# By the name of the golden file: `TaskCreated` in full, `TaskCreated.least` with defaults.
EXAMPLES: dict[str, tuple[StreamId, Event]] = {
    "WorkspaceCreated": (_WORKSPACE, WorkspaceCreated(name="forecasts", owner="ann")),
    "WorkspaceMemberAdded": (_WORKSPACE, WorkspaceMemberAdded(user="bob", role="collaborator")),
    "WorkspaceMemberRemoved": (_WORKSPACE, WorkspaceMemberRemoved(user="bob")),
    "ConnectionCreated": (
        _CONNECTION,
        ConnectionCreated(name="sales", kind="POSTGRES", details="v1.d.AAAAAAAAAAAAAAAA.c2VhbGVk"),
    ),
    "ConnectionAttached": (_CONNECTION, ConnectionAttached(workspace=5)),
    "ConnectionDetached": (_CONNECTION, ConnectionDetached(workspace=5)),
    "ConnectionDeleted": (_CONNECTION, ConnectionDeleted()),
    "SubscriptionCreated": (
        _SUBSCRIPTION,
        SubscriptionCreated(
            workspace=5,
            kind="webhook",
            name="to the pager",
            target="v1.d.AAAAAAAAAAAAAAAA.c2VhbGVk",
            after=40,
            host="hooks.example.org",
            types=["RunFinished"],
            aggregate="run",
        ),
    ),
    "SubscriptionCreated.least": (
        _SUBSCRIPTION,
        SubscriptionCreated(
            workspace=5, kind="nats", name="n", target="v1.d.AAAAAAAAAAAAAAAA.c2VhbGVk", after=0
        ),
    ),
    "SubscriptionPaused": (_SUBSCRIPTION, SubscriptionPaused()),
    "SubscriptionResumed": (_SUBSCRIPTION, SubscriptionResumed()),
    "SubscriptionDeleted": (
        _SUBSCRIPTION,
        SubscriptionDeleted(reason="who created it is no member of the workspace any more"),
    ),
    "SubscriptionDeleted.least": (_SUBSCRIPTION, SubscriptionDeleted()),
    "OrchestrationUploaded": (_ORCHESTRATION, UPLOADED),
    "OrchestrationUploaded.least": (
        _ORCHESTRATION,
        OrchestrationUploaded(
            file_name="a.zip", file_size=22, sha="0" * 64, blob="b", entrypoint="main.py"
        ),
    ),
    "OrchestrationPackagingStarted": (_ORCHESTRATION, OrchestrationPackagingStarted()),
    "OrchestrationReady": (
        _ORCHESTRATION,
        OrchestrationReady(
            environment="py311-4f2c", lock_digest="4f2c", seconds={"unpack": 0.5, "build": 12.25}
        ),
    ),
    "OrchestrationReady.least": (
        _ORCHESTRATION,
        OrchestrationReady(environment="base", lock_digest=""),
    ),
    "OrchestrationFailed": (_ORCHESTRATION, OrchestrationFailed(reason="no such package: nunpy")),
    "TaskCreated": (_TASK, CREATED),
    "TaskCreated.exec": (
        _TASK,
        TaskCreated(kind="once", orchestration=ORCHESTRATION, mode="exec"),
    ),
    "TaskCreated.grace": (  # and with keys that are in the order that somebody gave them
        _TASK,
        TaskCreated(
            kind="once",
            orchestration=ORCHESTRATION,
            arguments={"steps": {"load": 1, "clean": 2}, "by": "Ada"},
            grace=12.5,
        ),
    ),
    "TaskCreated.least": (_TASK, TaskCreated(kind="once", orchestration=ORCHESTRATION)),
    "TaskPauseRequested": (_TASK, TaskPauseRequested()),
    "TaskResumeRequested": (_TASK, TaskResumeRequested()),
    "TaskKillRequested": (_TASK, TaskKillRequested(keep_logs=True)),
    "TaskKillRequested.least": (_TASK, TaskKillRequested()),
    "TaskStarted": (_TASK, TaskStarted()),
    "TaskPaused": (_TASK, TaskPaused()),
    "TaskResumed": (_TASK, TaskResumed()),
    "TaskKilled": (_TASK, TaskKilled(keep_logs=True)),
    "TaskKilled.least": (_TASK, TaskKilled()),
    "TaskKilled.counting": (_TASK, TaskKilled(missed=3)),
    "TaskFailed": (_TASK, TaskFailed(reason="packaging failed: no such package: nunpy")),
    "TaskFailed.counting": (_TASK, TaskFailed(reason="packaging failed: gone", missed=4)),
    "TaskCompleted": (_TASK, TaskCompleted(reason="schedule_ended")),
    "TaskCompleted.counting": (_TASK, TaskCompleted(reason="schedule_ended", missed=2)),
    "RunRequested": (_RETRIED, RunRequested(task=TASK, scheduled_at=NOON, attempt=2, missed=3)),
    "RunRequested.least": (_RUN, RunRequested(task=TASK, scheduled_at=NOON)),
    "RunStarted": (_RETRIED, RunStarted(executor="executor-4f2c")),
    "RunFinished": (_RETRIED, FINISHED),
    "RunFinished.timed": (
        _RUN,
        RunFinished(
            status="success",
            reason="exited",
            exit_code=0,
            lines=1,
            timing={"forked": 0.003, "first_line": 0.004, "exited": 0.006, "logged": 0.0075},
        ),
    ),
    "RunFinished.new": (
        _RUN,
        RunFinished(status="success", reason="exited", lines=0, new_interpreter="its mode is exec"),
    ),
    "RunFinished.own": (
        _RUN,
        RunFinished(
            status="success",
            reason="exited",
            own_imports="main.py, line 2, may change what the imports after it do",
        ),
    ),
    "RunFinished.least": (_RUN, RunFinished(status="success", reason="exited")),
    **INFERENCE_EXAMPLES,
}

# Whole lives, by the name of the golden file.
HISTORIES: dict[str, list[str]] = {
    "orchestration-ready": [
        "OrchestrationUploaded",
        "OrchestrationPackagingStarted",
        "OrchestrationReady",
    ],
    "orchestration-failed": [
        "OrchestrationUploaded.least",
        "OrchestrationPackagingStarted",
        "OrchestrationFailed",
    ],
    "connection-detached": ["ConnectionCreated", "ConnectionAttached", "ConnectionDetached"],
    "connection-deleted": ["ConnectionCreated", "ConnectionAttached", "ConnectionDeleted"],
    "subscription-paused": ["SubscriptionCreated", "SubscriptionPaused"],
    "subscription-resumed-and-deleted": [
        "SubscriptionCreated.least",
        "SubscriptionPaused",
        "SubscriptionResumed",
        "SubscriptionDeleted",
    ],
    "workspace-members": ["WorkspaceCreated", "WorkspaceMemberAdded", "WorkspaceMemberRemoved"],
    "task-scheduled-and-killed": [
        "TaskCreated",
        "TaskStarted",
        "TaskPauseRequested",
        "TaskPaused",
        "TaskResumeRequested",
        "TaskResumed",
        "TaskKillRequested",
        "TaskKilled",
    ],
    "task-schedule-over": ["TaskCreated", "TaskStarted", "TaskCompleted"],
    "task-once-packaging-failed": ["TaskCreated.least", "TaskFailed"],
    "run-retried-and-failed": ["RunRequested", "RunStarted", "RunFinished"],
    "run-waiting": ["RunRequested.least"],
    **INFERENCE_HISTORIES,
}
