"""Names of things: which stream an aggregate's events lie in, and which id a run has."""

from datetime import UTC, datetime
from typing import Literal, get_args
from uuid import UUID, uuid5

import msgspec

Aggregate = Literal[
    "workspace",
    "connection",
    "orchestration",
    "task",
    "run",
    "subscription",
    "model",
    "model_version",
    "pipeline",
    "pipeline_version",
    "deployment",
    "tag",
]
_AGGREGATES: dict[str, Aggregate] = {name: name for name in get_args(Aggregate)}

EVENTS_ROOT = "event"
_NAMED = UUID("b3b4ad0a-6f7e-4c62-9f3c-6a6d3f0e5a77")  # ids of what a name stands for
PLATFORM = 0  # the workspace of what lies in none
# A connection may be attached to many workspaces, or to none. Subscriptions lie apart so that those
# who are told of a workspace's events are not told of each other. A tag is put on things of many.
PLATFORM_WIDE: frozenset[Aggregate] = frozenset({"connection", "subscription", "tag"})


class StreamId(msgspec.Struct, frozen=True, gc=False):
    """One aggregate's place in the log: the subject `event.<workspace id>.<aggregate>.<id>`."""

    workspace: int
    aggregate: Aggregate
    id: str

    @property
    def subject(self) -> str:
        """The subject on NATS, which is published: `docs/events.md`."""
        return f"{EVENTS_ROOT}.{self.workspace}.{self.aggregate}.{self.id}"

    @property
    def uuid(self) -> UUID:
        """The id of anything but a workspace, a third as dear as by `UUID`."""
        return msgspec.convert(self.id, UUID)

    @staticmethod
    def of_subject(subject: str) -> "StreamId":
        """Raises ValueError for a subject of another kind."""
        _, workspace, aggregate, id = subject.split(".")
        if aggregate not in _AGGREGATES:
            raise ValueError(f"{subject}: there is no such aggregate")
        return StreamId(int(workspace), _AGGREGATES[aggregate], id)


def stream_of(aggregate: Aggregate, workspace: int, id: UUID | int) -> StreamId:
    """`workspace` is the one that it belongs to, also where its events lie in none."""
    return StreamId(PLATFORM if aggregate in PLATFORM_WIDE else workspace, aggregate, str(id))


def workspace_stream(workspace: int) -> StreamId:
    """Where the events of a workspace lie."""
    return stream_of("workspace", workspace, workspace)


def connection_stream(id: UUID) -> StreamId:
    """In no workspace: it may be attached to many, or to none."""
    return stream_of("connection", PLATFORM, id)


def subscription_stream(id: UUID) -> StreamId:
    """In no workspace, so that those who are told of its events are not told of each other."""
    return stream_of("subscription", PLATFORM, id)


def orchestration_stream(workspace: int, id: UUID) -> StreamId:
    """In its workspace."""
    return stream_of("orchestration", workspace, id)


def task_stream(workspace: int, id: UUID) -> StreamId:
    """In its workspace."""
    return stream_of("task", workspace, id)


def run_stream(workspace: int, id: UUID) -> StreamId:
    """In its workspace; `id` is from `run_id`."""
    return stream_of("run", workspace, id)


def model_stream(workspace: int, name: str) -> StreamId:
    """In its workspace. The id is of the name, so a name is taken once there, without a lock."""
    return stream_of("model", workspace, uuid5(_NAMED, f"{workspace}/model/{name}"))


def model_version_stream(workspace: int, id: UUID) -> StreamId:
    """In the workspace of its model."""
    return stream_of("model_version", workspace, id)


def pipeline_stream(workspace: int, name: str) -> StreamId:
    """In its workspace. The id is of the name, as a model's is."""
    return stream_of("pipeline", workspace, uuid5(_NAMED, f"{workspace}/pipeline/{name}"))


def pipeline_version_stream(workspace: int, id: UUID) -> StreamId:
    """In the workspace of its pipeline."""
    return stream_of("pipeline_version", workspace, id)


def deployment_stream(workspace: int, pipeline: UUID) -> StreamId:
    """In the workspace of its pipeline, which has one deployment for good."""
    return stream_of("deployment", workspace, uuid5(pipeline, "deployment"))


def tag_stream(id: UUID) -> StreamId:
    """In no workspace: a tag may be put on models and pipelines of many."""
    return stream_of("tag", PLATFORM, id)


def workspace_pattern(workspace: int) -> str:
    """The subjects of all that lies in a workspace."""
    return f"{EVENTS_ROOT}.{workspace}.>"


def run_id(task: UUID, scheduled_at: datetime, attempt: int = 1) -> UUID:
    """The same tick and attempt of a task always name the same run, so it can't run twice (I3)."""
    instant = scheduled_at.astimezone(UTC).isoformat(timespec="microseconds")
    return uuid5(task, instant if attempt == 1 else f"{instant}#{attempt}")
