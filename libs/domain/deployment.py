"""The deployment of a pipeline: which version is served, by which replicas.

A pipeline has one for good; each request to deploy is a generation of it. A replica belongs to the
generation that it was started for, and those of an earlier one are replaced one by one.
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
    Transition(ReplicaStarted, _SERVED, ("running",)),
    Transition(ReplicaStopped, ("starting",), ("starting",)),
    Transition(ReplicaStopped, ("running",), ("running", "starting")),
    Transition(ReplicaStopped, ("error",), ("error",)),
    Transition(ReplicaStopped, ("undeployed",), ("undeployed",)),
    Transition(DeploymentFailed, _SERVED, ("error",)),
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


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """`number` is the integer by which the wire knows it: the place of its first event; it stays
    through all generations. `reason` says why it failed, or its last replica ended; for people."""

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
            current = generation == known.generation and known.status in _SERVED
            status: Status = "running" if current else known.status
            return _changed(known, fact, status, replicas=[*known.replicas, one])
        case ReplicaStopped() as event:
            return _stopped(known, event, fact)
        case DeploymentFailed(reason=reason):
            return _changed(known, fact, "error", reason=reason)
        case DeploymentUndeployed():
            return _changed(known, fact, "undeployed", reason="")
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
    )


def _stopped(known: Deployment, event: ReplicaStopped, fact: Happened) -> Deployment:
    """One that is missed leaves the deployment starting again, if it was the last."""
    rest = [one for one in known.replicas if one.id != event.replica]
    status, reason = known.status, known.reason
    if event.reason not in _NOT_NEEDED:
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
    if generation != state.generation or not TRANSITIONS.allow(state.status, ReplicaStarted):
        return []
    if any(one.id == replica for one in state.replicas):
        return []
    return [ReplicaStarted(replica=replica, generation=generation, seconds=seconds)]


def replica_stopped(state: Deployment, event: ReplicaStopped) -> list[DeploymentEvent]:
    """Nothing to say of one that is not there, or was said to have stopped before."""
    return [event] if any(one.id == event.replica for one in state.replicas) else []


def failed(state: Deployment, generation: int, reason: str) -> list[DeploymentEvent]:
    """Nothing to say if it is of an earlier generation, has failed before or is not served."""
    if generation != state.generation or not TRANSITIONS.allow(state.status, DeploymentFailed):
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
