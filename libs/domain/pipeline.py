"""A pipeline: a name in a workspace, under which steps are versioned (pipeline_version.py)."""

from datetime import datetime
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected
from libs.domain.events import (
    PipelineCreated,
    PipelineDeleted,
    PipelineEvent,
    PipelineTagged,
    PipelineUntagged,
)
from libs.domain.history import Happened, existing
from libs.domain.model import check_name
from libs.domain.tag import check_tags


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """`number` is the integer by which the wire knows it: the place of the event that created it.
    `tags` are ids."""

    id: UUID
    number: int
    workspace: int
    name: str
    owner: str
    created_at: datetime
    tags: list[UUID] = []
    deleted: bool = False


def evolve(state: Pipeline | None, fact: Happened) -> Pipeline:
    """The pipeline after one more of its events. ValueError for another's event, or a log that
    begins in the middle."""
    if isinstance(fact.event, PipelineCreated):
        return Pipeline(
            id=UUID(fact.stream.id),
            number=fact.seq,
            workspace=fact.stream.workspace,
            name=fact.event.name,
            owner=fact.actor,
            created_at=fact.at,
        )
    known = existing(state, type(fact.event).__name__)
    match fact.event:
        case PipelineTagged(tag=tag):
            return msgspec.structs.replace(known, tags=[*known.tags, tag])
        case PipelineUntagged(tag=tag):
            rest = [each for each in known.tags if each != tag]
            return msgspec.structs.replace(known, tags=rest)
        case PipelineDeleted():
            return msgspec.structs.replace(known, tags=[], deleted=True)
        case other:
            raise ValueError(f"{type(other).__name__} is no event of a pipeline")


def create(state: Pipeline | None, name: str) -> list[PipelineEvent]:
    """Nothing to do if there is one of that name; one that was deleted begins anew."""
    check_name("pipeline_id", name)
    return [] if state and not state.deleted else [PipelineCreated(name=name)]


def tag(state: Pipeline, id: UUID) -> list[PipelineEvent]:
    """Nothing to do if it is on it. Rejected("not_found") once it is deleted, "conflict" if there
    are too many."""
    if state.deleted:
        raise Rejected("not_found", f"pipeline_pk_id: pipeline {state.number} is deleted")
    check_tags(state.tags, id)
    return [] if id in state.tags else [PipelineTagged(tag=id)]


def untag(state: Pipeline, id: UUID) -> list[PipelineEvent]:
    """Nothing to do if it is not on it."""
    return [PipelineUntagged(tag=id)] if id in state.tags else []


def delete(state: Pipeline, deployed: bool) -> list[PipelineEvent]:
    """Deleting twice is deleting once. Rejected("conflict") while it is deployed."""
    if state.deleted:
        return []
    if deployed:
        raise Rejected(
            "conflict", f"pipeline_id: pipeline {state.name!r} is deployed; undeploy it first"
        )
    return [PipelineDeleted()]
