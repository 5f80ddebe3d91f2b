"""An orchestration: an uploaded archive on its way to an environment that can run it."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from libs.domain.events import (
    OrchestrationEvent,
    OrchestrationFailed,
    OrchestrationPackagingStarted,
    OrchestrationReady,
    OrchestrationUploaded,
)
from libs.domain.history import Happened, existing
from libs.domain.transitions import Transition, Transitions

Status = Literal["pending_packaging", "packaging", "ready", "error"]

_UNDER_WAY: tuple[Status, ...] = ("pending_packaging", "packaging")
TRANSITIONS: Transitions[Status] = Transitions(
    Transition(OrchestrationUploaded, (), ("pending_packaging",)),
    Transition(OrchestrationPackagingStarted, ("pending_packaging",), ("packaging",)),
    Transition(OrchestrationReady, _UNDER_WAY, ("ready",)),
    Transition(OrchestrationFailed, _UNDER_WAY, ("error",)),
)


class Orchestration(msgspec.Struct, frozen=True, kw_only=True):
    """`blob` is the archive's key, `sha` its SHA-256 in hex, `file_size` its bytes.

    `environment` is empty until it is ready, `reason` unless packaging failed.
    """

    id: UUID
    workspace: int
    owner: str
    name: str | None
    file_name: str
    file_size: int
    sha: str
    blob: str
    entrypoint: str
    status: Status
    created_at: datetime
    updated_at: datetime
    environment: str = ""
    reason: str = ""


def evolve(state: Orchestration | None, fact: Happened) -> Orchestration:
    """The orchestration after one more of its events. ValueError for another's event, or a log that
    begins in the middle."""
    match fact.event:
        case OrchestrationUploaded() as event:
            return _uploaded(event, fact)
        case OrchestrationPackagingStarted():
            return _changed(state, fact)
        case OrchestrationReady(environment=environment):
            return _changed(state, fact, environment=environment)
        case OrchestrationFailed(reason=reason):
            return _changed(state, fact, reason=reason)
        case other:
            raise ValueError(f"{type(other).__name__} is no event of an orchestration")


def _uploaded(event: OrchestrationUploaded, fact: Happened) -> Orchestration:
    return Orchestration(
        id=UUID(fact.stream.id),
        workspace=fact.stream.workspace,
        owner=fact.actor,
        name=event.name,
        file_name=event.file_name,
        file_size=event.file_size,
        sha=event.sha,
        blob=event.blob,
        entrypoint=event.entrypoint,
        status="pending_packaging",
        created_at=fact.at,
        updated_at=fact.at,
    )


def _changed(state: Orchestration | None, fact: Happened, **fields: str) -> Orchestration:
    known, status = existing(state, type(fact.event).__name__), TRANSITIONS.target(type(fact.event))
    return msgspec.structs.replace(known, status=status, updated_at=fact.at, **fields)


def start_packaging(state: Orchestration) -> list[OrchestrationEvent]:
    """Nothing to do when another packager has begun, or has ended."""
    if not TRANSITIONS.allow(state.status, OrchestrationPackagingStarted):
        return []
    return [OrchestrationPackagingStarted()]


def packaged(
    state: Orchestration, environment: str, lock_digest: str, seconds: dict[str, float]
) -> list[OrchestrationEvent]:
    """Nothing to say when a second packager, or the same one again, comes to an end later."""
    if not TRANSITIONS.allow(state.status, OrchestrationReady):
        return []
    return [OrchestrationReady(environment=environment, lock_digest=lock_digest, seconds=seconds)]


def failed(state: Orchestration, reason: str) -> list[OrchestrationEvent]:
    """Nothing to say, as with `packaged`, about what has left packaging already."""
    if not TRANSITIONS.allow(state.status, OrchestrationFailed):
        return []
    return [OrchestrationFailed(reason=reason)]


def has_left_packaging(state: Orchestration) -> bool:
    """Whether a packager has nothing more to do with it."""
    return state.status not in _UNDER_WAY
