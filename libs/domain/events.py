"""Every event of the platform: a public contract, pinned by tests/golden.

An event is a fact in the past tense and says nothing that another event of its aggregate says
already. Who, when and why are in the envelope (libs/eventlog/envelope.py). A published event is
changed only by adding optional fields.
One file, though a long one: it is the contract that services and subscribers read, an aggregate
after the other. It holds nothing but declarations, and a file an aggregate would need one more that
lists all their names again. What events are made of is in `values.py`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Union
from uuid import UUID

import msgspec

from libs.domain.ids import Aggregate
from libs.domain.values import (
    Batching,
    DeployedModel,
    Kind,
    Mode,
    ReplicaEnd,
    ReplicaLimits,
    Retry,
    Role,
    RunEnd,
    Scaling,
    Schedule,
    SubscriptionKind,
    TensorSpec,
    Usage,
)


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True, gc=False):
    """On the wire: a JSON object whose `type` is the class's name.

    `AGGREGATE` is the kind of thing that it happens to.
    """

    AGGREGATE: ClassVar[Aggregate]


class WorkspaceEvent(Event, frozen=True):
    """What happens to a workspace."""

    AGGREGATE = "workspace"


class WorkspaceCreated(WorkspaceEvent, frozen=True):
    """A workspace of that name, which nobody else has, with `owner` (a user's id) in it."""

    name: str
    owner: str


class WorkspaceMemberAdded(WorkspaceEvent, frozen=True):
    """`user` (an id) may work in it from now on; or, a member already, is in another role now."""

    user: str
    role: Role


class WorkspaceMemberRemoved(WorkspaceEvent, frozen=True):
    """`user` (an id) may not see or do anything in it any more."""

    user: str


class ConnectionEvent(Event, frozen=True):
    """What happens to a connection."""

    AGGREGATE = "connection"


class ConnectionCreated(ConnectionEvent, frozen=True):
    """How to reach a data source, under a name that no other connection has.

    `kind` is the user's word for what is connected to. `details` is a sealed text: its key is no
    event, so that destroying the key makes this unreadable (I9).
    """

    name: str
    kind: str
    details: str


class ConnectionAttached(ConnectionEvent, frozen=True):
    """The members of that workspace may use it."""

    workspace: int


class ConnectionDetached(ConnectionEvent, frozen=True):
    """The members of that workspace may not use it any more."""

    workspace: int


class ConnectionDeleted(ConnectionEvent, frozen=True):
    """Detached from all workspaces too, its details unreadable; its name is free again."""


class OrchestrationEvent(Event, frozen=True):
    """What happens to an orchestration."""

    AGGREGATE = "orchestration"


class OrchestrationUploaded(OrchestrationEvent, frozen=True):
    """An archive of Python has come and is checked; it will be packaged.

    `blob` is the archive's key in the blob store, `sha` the SHA-256 of its bytes in hex,
    `file_size` their number; `entrypoint` is the file in it that a run begins with.
    """

    file_name: str
    file_size: int
    sha: str
    blob: str
    entrypoint: str
    name: str | None = None


class OrchestrationPackagingStarted(OrchestrationEvent, frozen=True):
    """Its environment is being built."""


class OrchestrationReady(OrchestrationEvent, frozen=True):
    """Tasks of it can run.

    `environment` names what they run in, `lock_digest` the locked requirements that it was built
    from; `seconds` says how long each step of packaging took.
    """

    environment: str
    lock_digest: str
    seconds: dict[str, float] = {}


class OrchestrationFailed(OrchestrationEvent, frozen=True):
    """It can't be packaged, and `reason` says what to change; nothing of it will run."""

    reason: str


class TaskEvent(Event, frozen=True):
    """What happens to a task."""

    AGGREGATE = "task"


class TaskCreated(TaskEvent, frozen=True):
    """Somebody wants an orchestration to run: once, on a schedule, or continuously.

    `arguments` are what its code is given. `timeout` is in seconds; none means that a run may take
    as long as it likes. `debug` is kept for clients that set it. `mode` says how its runs start:
    `exec` in a new interpreter, `fork` from a warm one where that can be; else as the executor has
    it. `grace` is how many seconds a run that is to end gets to end by itself; none: the platform's
    default.
    """

    kind: Kind
    orchestration: UUID
    name: str | None = None
    arguments: dict[str, Any] = {}
    timeout: int | None = None
    debug: bool = False
    schedule: Schedule | None = None
    retry: Retry = Retry()
    mode: Mode | None = None
    grace: float | None = None


class TaskPauseRequested(TaskEvent, frozen=True):
    """Somebody wants no ticks after this instant; what was due before is still accounted for, and
    what runs goes on."""


class TaskResumeRequested(TaskEvent, frozen=True):
    """Somebody wants ticks again."""


class TaskKillRequested(TaskEvent, frozen=True):
    """Somebody wants it to end with all that runs of it, and its logs gone unless kept."""

    keep_logs: bool = False


class TaskStarted(TaskEvent, frozen=True):
    """The scheduler has taken charge: ticks after this instant are due."""


class TaskPaused(TaskEvent, frozen=True):
    """It is paused: no tick is due until it is resumed."""


class TaskResumed(TaskEvent, frozen=True):
    """Ticks after this instant are due again."""


class TaskKilled(TaskEvent, frozen=True):
    """No process of the task lives and nothing of it starts again (I7).

    `missed` counts the ticks due before the request that no run was asked for.
    """

    keep_logs: bool = False
    missed: int = 0


class TaskFailed(TaskEvent, frozen=True):
    """It can't run at all, and `reason` says why; `missed` as in TaskCompleted."""

    reason: str
    missed: int = 0


class TaskCompleted(TaskEvent, frozen=True):
    """The schedule has no instant left; `missed` counts the last ones, if they came to nothing."""

    reason: str
    missed: int = 0


class RunEvent(Event, frozen=True):
    """What happens to a run."""

    AGGREGATE = "run"


class RunRequested(RunEvent, frozen=True):
    """The task is to run now: for the tick of `scheduled_at`, for the `attempt`th time.

    `missed` counts the ticks before this one that no run was asked for: they were collapsed into
    it, or skipped. Some may lie before a pause.
    """

    task: UUID
    scheduled_at: datetime
    attempt: int = 1
    missed: int = 0


class RunStarted(RunEvent, frozen=True):
    """Taken by an executor, named here.

    The one that says this is the only one that may start user code for the run (I2).
    """

    executor: str


class RunFinished(RunEvent, frozen=True):
    """The run has ended: all its output is kept and no process of it lives, as far as its executor
    can say; where that has vanished, the scheduler says so, with the reason `executor_lost`.

    `reason` is a word for programs, `detail` the same for people. `lines` is how many lines of log
    the run has; none when nobody can know (I5). `timing` says what came when, in seconds from the
    claim: `forked` (its process is about to run the script), `first_line`, `exited` (no process of
    it lives), `logged` (all output is kept). `new_interpreter` says why it was one; empty where the
    run was forked from a warm one. `own_imports` says why such a run carried out imports at the
    top of its script by itself; empty where all were there already.
    """

    status: RunEnd
    reason: str
    detail: str = ""
    exit_code: int | None = None
    lines: int | None = None
    usage: Usage = Usage()
    timing: dict[str, float] = {}
    new_interpreter: str = ""
    own_imports: str = ""


class SubscriptionEvent(Event, frozen=True):
    """What happens to a subscription."""

    AGGREGATE = "subscription"


class SubscriptionCreated(SubscriptionEvent, frozen=True):
    """Somebody is told of a workspace's events after the place `after` in the log: those of
    `types` (none: of all) about `aggregate` (`task`, or `task:<id>`; empty: about all).

    `target` is a sealed text, like a connection's details: where to, and the secret. `host` is as
    much of a webhook's URL as may be shown.
    """

    workspace: int
    kind: SubscriptionKind
    name: str
    target: str
    after: int
    host: str = ""
    types: list[str] = []
    aggregate: str = ""


class SubscriptionPaused(SubscriptionEvent, frozen=True):
    """What happens from now on is sent once it is resumed."""


class SubscriptionResumed(SubscriptionEvent, frozen=True):
    """What happened while it was paused is sent first."""


class SubscriptionDeleted(SubscriptionEvent, frozen=True):
    """Nothing more is sent. `reason` says why, where it was not its owner who deleted it."""

    reason: str = ""


class ModelEvent(Event, frozen=True):
    """What happens to a model: a name in a workspace, under which versions are uploaded."""

    AGGREGATE = "model"


class ModelCreated(ModelEvent, frozen=True):
    """The first version is about to be uploaded under that name; also after it was deleted."""

    name: str


class ModelDeleted(ModelEvent, frozen=True):
    """Gone with all its versions; its name is free again."""


class ModelVersionEvent(Event, frozen=True):
    """What happens to a version of a model."""

    AGGREGATE = "model_version"


class ModelVersionUploaded(ModelVersionEvent, frozen=True):
    """A file has come for the model; it will be probed.

    `blob` is its key in the blob store, `sha` the SHA-256 of its bytes in hex, `file_size` their
    number. `conversion` is what the uploader said of architecture, framework and requirements.
    Schemas are Arrow's, serialized, in base64. With `requirements` (PEP 508) it runs in an
    environment that has them, which is built before the probe.
    """

    model: UUID
    name: str
    file_name: str
    file_size: int
    sha: str
    blob: str
    framework: str
    conversion: dict[str, Any] = {}
    input_schema: str = ""
    output_schema: str = ""
    requirements: list[str] = []


class ModelVersionPackaged(ModelVersionEvent, frozen=True):
    """The environment that it needs is there; it will be probed in it.

    `environment` names it, `lock_digest` the locked requirements that it was built from; `seconds`
    says how long each step of packaging took.
    """

    environment: str
    lock_digest: str
    seconds: dict[str, float] = {}


class ModelVersionReady(ModelVersionEvent, frozen=True):
    """It was loaded and probed. `trees` says that it sums over trees; `environment` names the
    packages that it runs with, if it needs some; `seconds` is what loading took. `warnings` are
    what its libraries said while it was loaded."""

    inputs: list[TensorSpec]
    outputs: list[TensorSpec]
    trees: bool = False
    environment: str = ""
    seconds: float = 0.0
    warnings: list[str] = []


class ModelVersionFailed(ModelVersionEvent, frozen=True):
    """It can't be served; `reason` says why, for people."""

    reason: str


class ModelVersionConfigured(ModelVersionEvent, frozen=True):
    """Deployments from now on use it so. The i-th of `tensor_fields` is the column for the i-th
    input; without them columns are found by the names of inputs."""

    tensor_fields: list[str] = []
    batching: Batching | None = None
    filter_threshold: float | None = None
    batch_config: str = ""
    input_schema: str = ""
    output_schema: str = ""


class ModelVersionTagged(ModelVersionEvent, frozen=True):
    """That tag is on it."""

    tag: UUID


class ModelVersionUntagged(ModelVersionEvent, frozen=True):
    """That tag is not on it any more."""

    tag: UUID


class ModelVersionDeleted(ModelVersionEvent, frozen=True):
    """Not to be deployed again; deployments that have it go on."""


class PipelineEvent(Event, frozen=True):
    """What happens to a pipeline: a name in a workspace, under which steps are versioned."""

    AGGREGATE = "pipeline"


class PipelineCreated(PipelineEvent, frozen=True):
    """A pipeline of that name; also after it was deleted."""

    name: str


class PipelineTagged(PipelineEvent, frozen=True):
    """That tag is on it."""

    tag: UUID


class PipelineUntagged(PipelineEvent, frozen=True):
    """That tag is not on it any more."""

    tag: UUID


class PipelineDeleted(PipelineEvent, frozen=True):
    """Gone with its versions; its name is free again. Its logs go too."""


class PipelineVersionEvent(Event, frozen=True):
    """What happens to a version of a pipeline."""

    AGGREGATE = "pipeline_version"


class PipelineVersionCreated(PipelineVersionEvent, frozen=True):
    """Steps of the pipeline, as `definition` has them; they never change."""

    pipeline: UUID
    name: str
    definition: dict[str, Any]


class PipelineVersionDeleted(PipelineVersionEvent, frozen=True):
    """Not to be deployed again."""


class DeploymentEvent(Event, frozen=True):
    """What happens to the deployment of a pipeline."""

    AGGREGATE = "deployment"


class DeploymentRequested(DeploymentEvent, frozen=True):
    """That version of the pipeline is to be served, instead of what is served now, if anything.

    Whoever serves it needs nothing else: `steps` are those of the version, `models` all models in
    them. `engine_config` is as the user gave it.
    """

    pipeline: UUID
    name: str
    version: UUID
    version_number: int
    steps: list[dict[str, Any]]
    models: list[DeployedModel]
    scaling: Scaling = Scaling()
    limits: ReplicaLimits = ReplicaLimits()
    engine_config: dict[str, Any] = {}


class ReplicaStarted(DeploymentEvent, frozen=True):
    """A process has loaded the models and answers. `generation` counts the requests to deploy."""

    replica: UUID
    generation: int
    seconds: float = 0.0


class ReplicaStopped(DeploymentEvent, frozen=True):
    """It answers no more, or with `start_failed` never did: one more of a generation that has run
    could not be started. `reason` is a word for programs, `detail` the same for people."""

    replica: UUID
    reason: ReplicaEnd
    detail: str = ""


class DeploymentFailed(DeploymentEvent, frozen=True):
    """What was requested last can't be served; `reason` says why. What had run before goes on
    serving, until the deployment is requested anew or undeployed."""

    reason: str


class DeploymentUndeployed(DeploymentEvent, frozen=True):
    """Nothing is served from now on."""


class TagEvent(Event, frozen=True):
    """What happens to a tag."""

    AGGREGATE = "tag"


class TagCreated(TagEvent, frozen=True):
    """A word to be put on models and pipelines."""

    name: str


# All of them: an aggregate's are together, the one that creates it first.
EVENT_TYPES: tuple[type[Event], ...] = tuple(
    kind for group in Event.__subclasses__() for kind in group.__subclasses__()
)
# By an event's name, what it happens to.
AGGREGATE_OF: Mapping[str, Aggregate] = {kind.__name__: kind.AGGREGATE for kind in EVENT_TYPES}

# By event, the field that is a ciphertext. Whoever shows events to people leaves it out.
SEALED = {"ConnectionCreated": "details", "SubscriptionCreated": "target"}

# They hold data of users.
_AS_GIVEN = (TaskCreated, ModelVersionUploaded, PipelineVersionCreated, DeploymentRequested)

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Union[EVENT_TYPES])  # noqa: UP007
_encoder = msgspec.json.Encoder(order="deterministic")
_as_given = msgspec.json.Encoder()


def encode(event: Event) -> bytes:
    """The keys of our own mappings are sorted; users' data keeps the order that they gave it."""
    return (_as_given if isinstance(event, _AS_GIVEN) else _encoder).encode(event)


def decode(body: bytes) -> Event:
    """Raises msgspec.ValidationError when the body is no event that this version knows."""
    return _decoder.decode(body)
