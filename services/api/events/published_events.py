"""An example of every event, by the service that publishes it; each decodes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from libs.domain import events as e
from libs.domain import run_end, values
from libs.domain.events import AGGREGATE_OF
from libs.domain.ids import Aggregate, run_id, stream_of
from libs.eventlog.envelope import Recorded
from services.api.events import inference_examples as inference

_AT = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)
_WORKSPACE = 5
_USER = "6a1f0c52-3f0e-4d6b-8b39-5a5c9d2f7e10"
_TASK = UUID("7f9c1f52-9b52-4d0e-8f43-0d7e7f5d2b11")
_ORCHESTRATION = UUID("0b2d6a3e-3c2f-4a61-9a52-5d8f0c6f1e22")
_CONNECTION = UUID("5d1c8a77-6f0e-4b8e-9d3a-2c4b6e8f1a33")
_SUBSCRIPTION = UUID("c2a4b5d6-1e2f-4a3b-8c4d-9e0f1a2b3c44")
_SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

_IDS: Mapping[Aggregate, UUID | int] = {
    "workspace": _WORKSPACE,
    "connection": _CONNECTION,
    "orchestration": _ORCHESTRATION,
    "task": _TASK,
    "run": run_id(_TASK, _AT),
    "subscription": _SUBSCRIPTION,
    "model": inference.MODEL,
    "model_version": inference.MODEL_VERSION,
    "pipeline": inference.PIPELINE,
    "pipeline_version": inference.PIPELINE_VERSION,
    "deployment": inference.DEPLOYMENT,
    "tag": inference.TAG,
}

PUBLISHED: Mapping[str, Sequence[e.Event]] = {
    "api": (
        e.WorkspaceCreated(name="forecasts", owner=_USER),
        e.WorkspaceMemberAdded(user=_USER, role="collaborator"),
        e.WorkspaceMemberRemoved(user=_USER),
        e.ConnectionCreated(name="sales", kind="POSTGRES", details="sealed"),
        e.ConnectionAttached(workspace=_WORKSPACE),
        e.ConnectionDetached(workspace=_WORKSPACE),
        e.ConnectionDeleted(),
        e.OrchestrationUploaded(
            name="forecast",
            file_name="forecast.zip",
            file_size=2048,
            sha=_SHA,
            blob=f"archives/{_SHA}",
            entrypoint="forecast/main.py",
        ),
        e.TaskCreated(
            kind="scheduled",
            orchestration=_ORCHESTRATION,
            name="nightly",
            arguments={"table": "sales", "days": 7},
            timeout=600,
            schedule=values.Schedule(expression="30 2 * * *", zone="Europe/Berlin", overlap="skip"),
            retry=values.Retry(attempts=3, backoff=2.5),
        ),
        e.TaskPauseRequested(),
        e.TaskResumeRequested(),
        e.TaskKillRequested(keep_logs=True),
        e.SubscriptionCreated(
            workspace=_WORKSPACE,
            kind="webhook",
            name="chat",
            target="sealed",
            after=4711,
            host="hooks.example.org",
            types=["RunFinished"],
            aggregate="run",
        ),
        e.SubscriptionPaused(),
        e.SubscriptionResumed(),
        e.SubscriptionDeleted(reason="its owner is no member of the workspace any more"),
        *inference.BY_API,
    ),
    "inference": inference.BY_INFERENCE,
    "packager": (
        e.OrchestrationPackagingStarted(),
        e.OrchestrationReady(
            environment="py311-4f2c", lock_digest="4f2c", seconds={"unpack": 0.5, "build": 12.25}
        ),
        e.OrchestrationFailed(reason="no such package: nunpy"),
        *inference.BY_PACKAGER,
    ),
    "scheduler": (
        e.TaskStarted(),
        e.TaskPaused(),
        e.TaskResumed(),
        e.TaskKilled(keep_logs=True),
        e.TaskFailed(reason="packaging failed: no such package: nunpy"),
        e.TaskCompleted(reason="schedule_ended"),
        e.RunRequested(task=_TASK, scheduled_at=_AT, missed=2),
        run_end.executor_lost().ended(),
    ),
    "executor": (
        e.RunStarted(executor="executor-4f2c"),
        e.RunFinished(
            status="failure",
            reason="exited",
            detail="the script ended with exit code 3",
            exit_code=3,
            lines=120,
            usage=values.Usage(cpu_seconds=1.5, max_rss_bytes=64 << 20),
            timing={"forked": 0.003, "first_line": 0.009, "exited": 1.72, "logged": 1.73},
        ),
        run_end.signal("SIGSEGV").ended(lines=7),
        run_end.timeout().ended(lines=5000),
        run_end.killed("killed on request").ended(lines=12),
        run_end.out_of_memory().ended(lines=3),
        run_end.disk_quota().ended(lines=40),
        run_end.start_failed("could not be started: no such file: main.py").ended(lines=0),
        run_end.launcher_lost().ended(lines=9),
        run_end.executor_stopped().ended(lines=9),
        run_end.internal_error().ended(),
    ),
}


def publishers(name: str) -> list[str]:
    return [
        service
        for service, events in PUBLISHED.items()
        if any(type(event).__name__ == name for event in events)
    ]


def examples(name: str) -> list[Recorded]:
    """Examples as the log could have them; RunFinished has one for every reason."""
    return [
        _recorded(service, event)
        for service in reversed(publishers(name))
        for event in PUBLISHED[service]
        if type(event).__name__ == name
    ]


def _recorded(service: str, event: e.Event) -> Recorded:
    name = type(event).__name__
    of, place = event.AGGREGATE, list(AGGREGATE_OF).index(name)
    return Recorded(
        seq=4711 + place,
        id=str(uuid5(_TASK, name)),
        stream=stream_of(of, _WORKSPACE, _IDS[of]),
        event=event,
        at=_AT + timedelta(seconds=place, milliseconds=3),
        actor=_USER if service == "api" else service,
        source=service,
        correlation=str(uuid5(_TASK, "request")),
        causation="" if service == "api" else str(uuid5(_TASK, "cause")),
    )
