"""The deployment of a pipeline: which version is served, by which replicas.

A pipeline has one for good; each request to deploy is a generation of it, with a revision of what
is served. A replica belongs to the generation that it was started for, and those of an earlier one
are replaced one by one. Until one of the new generation has started, the previous revision goes on
serving; if none can be started, for good.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected
from libs.domain.events import (
    DeploymentEvent,
    DeploymentFailed,
    DeploymentRequested,
    DeploymentUndeployed,
    ReplicaStarted,
    ReplicaStopped,
)
from libs.domain.history import Happened, existing
from libs.domain.transitions import Transition, Transitions
from libs.domain.values import DeployedModel, ReplicaLimits, Scaling

Status = Literal["starting", "running", "error", "undeployed"]
_SERVED: tuple[Status, ...] = ("starting", "running")
TRANSITIONS: Transitions[Status] = Transitions(
    Transition(DeploymentRequested, (), ("starting",)),
    Transition(DeploymentRequested, (*_SERVED, "error", "undeployed"), ("starting",)),
    Transition(ReplicaStarted, ("starting",), ("starting", "running")),
    Transition(ReplicaStarted, ("running",), ("running",)),
    Transition(ReplicaStarted, ("error",), ("error",)),
    Transition(ReplicaStopped, ("starting",), ("starting",)),
    Transition(ReplicaStopped, ("running",), ("running", "starting")),
    Transition(ReplicaStopped, ("error",), ("error",)),
    Transition(ReplicaStopped, ("undeployed",), ("undeployed",)),
    Transition(DeploymentFailed, ("starting",), ("error",)),
    Transition(DeploymentUndeployed, (*_SERVED, "error"), ("undeployed",)),
)
MAX_REPLICAS = 64
TREE_THREADS = 4  # those that recorded answers of such models were made with
# A replica ended for one of these reasons is not missing: none is needed in its place.
_NOT_NEEDED = ("idle", "scaled_down", "replaced", "undeployed")


class Replica(msgspec.Struct, frozen=True, kw_only=True):
    """A process that serves."""

    id: UUID
    generation: int
    started_at: datetime


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """What one generation serves."""

    generation: int
    version: UUID
    version_number: int
    steps: list[dict[str, Any]]
    models: list[DeployedModel]
    scaling: Scaling
    limits: ReplicaLimits


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """`number` is the integer by which the wire knows it: the place of its first event; it stays
    through all generations. `reason` says why it failed, or why a replica ended; for people.

    `has_run` says that a replica of this generation has started at some time. Until then the
    revision `previous`, which had, goes on serving, if there is one.
    """

    id: UUID
    number: int
    workspace: int
    pipeline: UUID
    name: str
    version: UUID
    version_number: int
    generation: int
    status: Status
    steps: list[dict[str, Any]]
    models: list[DeployedModel]
    scaling: Scaling
    limits: ReplicaLimits
    engine_config: dict[str, Any]
    requested_by: str
    created_at: datetime
    updated_at: datetime
    replicas: list[Replica] = []
    reason: str = ""
    has_run: bool = False
    previous: Revision | None = None

    @property
    def current(self) -> Revision:
        """What was requested last."""
        return Revision(
            generation=self.generation,
            version=self.version,
            version_number=self.version_number,
            steps=self.steps,
            models=self.models,
            scaling=self.scaling,
            limits=self.limits,
        )

    @property
    def serving(self) -> Revision:
        """Whose replicas answer, or will."""
        return self.previous or self.current

    @property
    def desired(self) -> list[Revision]:
        """Those that are to have replicas, the newest first."""
        if not self.deployed:
            return []
        current = [] if self.status == "error" else [self.current]
        return current + ([self.previous] if self.previous else [])

    @property
    def deployed(self) -> bool:
        """Whether it is to be served; what can't be is so too, until it is undeployed."""
        return self.status != "undeployed"


def evolve(state: Deployment | None, fact: Happened) -> Deployment:
    """The deployment after one more of its events. ValueError for another's event, or a log that
    begins in the middle."""
    if isinstance(fact.event, DeploymentRequested):
        return _requested(state, fact.event, fact)
    known = existing(state, type(fact.event).__name__)
    match fact.event:
        case ReplicaStarted(replica=id, generation=generation):
            one = Replica(id=id, generation=generation, started_at=fact.at)
            state = _changed(known, fact, known.status, replicas=[*known.replicas, one])
            if generation != known.generation or known.status not in _SERVED:
                return state
            return _changed(state, fact, "running", has_run=True, previous=None)
        case ReplicaStopped() as event:
            return _stopped(known, event, fact)
        case DeploymentFailed(reason=reason):
            return _changed(known, fact, "error", reason=reason)
        case DeploymentUndeployed():
            return _changed(known, fact, "undeployed", reason="", previous=None)
        case other:
            raise ValueError(f"{type(other).__name__} is no event of a deployment")


def _requested(state: Deployment | None, event: DeploymentRequested, fact: Happened) -> Deployment:
    return Deployment(
        id=UUID(fact.stream.id),
        number=state.number if state else fact.seq,
        workspace=fact.stream.workspace,
        pipeline=event.pipeline,
        name=event.name,
        version=event.version,
        version_number=event.version_number,
        generation=state.generation + 1 if state else 1,
        status="starting",
        steps=event.steps,
        models=event.models,
        scaling=event.scaling,
        limits=event.limits,
        engine_config=event.engine_config,
        requested_by=fact.actor,
        created_at=state.created_at if state else fact.at,
        updated_at=fact.at,
        replicas=state.replicas if state else [],
        previous=_good(state) if state and state.deployed else None,
    )


def _good(state: Deployment) -> Revision | None:
    """The last revision that was seen to start."""
    return state.current if state.has_run else state.previous


def _stopped(known: Deployment, event: ReplicaStopped, fact: Happened) -> Deployment:
    """One that is missed leaves the deployment starting again, if it was the last. What becomes of
    replicas of an earlier generation says nothing of this one."""
    gone = next((one for one in known.replicas if one.id == event.replica), None)
    rest = [one for one in known.replicas if one.id != event.replica]
    status, reason = known.status, known.reason
    current = gone is None or gone.generation == known.generation
    if current and event.reason not in _NOT_NEEDED and status in _SERVED:
        reason = event.detail or event.reason
        if status == "running" and not any(one.generation == known.generation for one in rest):
            status = "starting"
    return _changed(known, fact, status, replicas=rest, reason=reason)


def _changed(known: Deployment, fact: Happened, status: Status, **fields: Any) -> Deployment:
    return msgspec.structs.replace(known, status=status, updated_at=fact.at, **fields)


def request(order: DeploymentRequested) -> list[DeploymentEvent]:
    """Serve that version from now on, whatever was served before; also if it is the same.

    Rejected("invalid") for what could never be served.
    """
    if not order.steps:
        raise Rejected("invalid", "pipeline_version_pk_id: it has no steps; add a model step first")
    scaling = order.scaling
    if not 0 <= scaling.least <= scaling.most or not 1 <= scaling.most <= MAX_REPLICAS:
        raise Rejected(
            "invalid",
            f"engine_config.engine: {scaling.least} to {scaling.most} replicas; the smaller number"
            f" comes first, the larger is 1 to {MAX_REPLICAS}",
        )
    if order.limits.cpus <= 0:
        raise Rejected("invalid", "engine_config.engine.cpu: give more than 0")
    return [order]


def replica_started(
    state: Deployment, replica: UUID, generation: int, seconds: float
) -> list[DeploymentEvent]:
    """Nothing to say of one that has started for nothing meanwhile: it is to be stopped."""
    if generation not in [one.generation for one in state.desired]:
        return []
    if any(one.id == replica for one in state.replicas):
        return []
    return [ReplicaStarted(replica=replica, generation=generation, seconds=seconds)]


def replica_stopped(state: Deployment, event: ReplicaStopped) -> list[DeploymentEvent]:
    """Nothing to say of one that is not there, or was said to have stopped before."""
    return [event] if any(one.id == event.replica for one in state.replicas) else []


def replica_failed(
    state: Deployment, replica: UUID, generation: int, reason: str
) -> list[DeploymentEvent]:
    """One could not be started, in a generation that has run: another try may succeed. Nothing to
    say of any other generation, or if it is known."""
    if generation != state.generation or not state.has_run or state.status not in _SERVED:
        return []
    if state.reason == reason:
        return []
    return [ReplicaStopped(replica=replica, reason="start_failed", detail=reason)]


def failed(state: Deployment, generation: int, reason: str) -> list[DeploymentEvent]:
    """None of its replicas can be started. Nothing to say if it is of an earlier generation, has
    run or failed before, or is not served."""
    if generation != state.generation or state.has_run:
        return []
    if not TRANSITIONS.allow(state.status, DeploymentFailed):
        return []
    return [DeploymentFailed(reason=reason)]


def undeploy(state: Deployment) -> list[DeploymentEvent]:
    """Undeploying twice is undeploying once."""
    return [DeploymentUndeployed()] if state.deployed else []


def threads_for(trees: bool, cpus: float) -> int:
    """How many threads a model runs with; what a deployment records.

    Sums over trees are grouped by thread, so their last digits would change with the machine: they
    get TREE_THREADS everywhere. Nothing else depends on it.
    """
    return TREE_THREADS if trees else max(1, int(cpus))
