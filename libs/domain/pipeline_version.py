"""A version of a pipeline: its steps, which never change."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected
from libs.domain.events import (
    PipelineVersionCreated,
    PipelineVersionDeleted,
    PipelineVersionEvent,
)
from libs.domain.history import Happened, existing

MAX_DEFINITION_BYTES = 256 << 10


class PipelineVersion(msgspec.Struct, frozen=True, kw_only=True):
    """`number` is the integer by which the wire knows it, `id` the version that people see.
    `definition` is {"id": the pipeline's name, "steps": [one-key objects]}."""

    id: UUID
    number: int
    workspace: int
    pipeline: UUID
    name: str
    definition: dict[str, Any]
    owner: str
    created_at: datetime
    deleted: bool = False

    @property
    def steps(self) -> list[dict[str, Any]]:
        """In the order in which they run."""
        steps: list[dict[str, Any]] = self.definition["steps"]
        return steps

    @property
    def models(self) -> list[str]:
        """The names of the models that any step names, each once, in the order of the steps."""
        return list(dict.fromkeys(_model_names(self.steps)))


def evolve(state: PipelineVersion | None, fact: Happened) -> PipelineVersion:
    """The version after one more of its events. ValueError for another's event, or a log that
    begins in the middle."""
    match fact.event:
        case PipelineVersionCreated() as event:
            return PipelineVersion(
                id=UUID(fact.stream.id),
                number=fact.seq,
                workspace=fact.stream.workspace,
                pipeline=event.pipeline,
                name=event.name,
                definition=event.definition,
                owner=fact.actor,
                created_at=fact.at,
            )
        case PipelineVersionDeleted():
            return msgspec.structs.replace(existing(state, "PipelineVersionDeleted"), deleted=True)
        case other:
            raise ValueError(f"{type(other).__name__} is no event of a pipeline version")


def _model_names(steps: list[dict[str, Any]]) -> Iterator[str]:
    """A model is an object with a name, a version and a sha, wherever and however deep."""
    rest: list[Any] = [steps]
    while rest:
        match rest.pop():
            case {"name": name, "version": _, "sha": _}:
                yield str(name)
            case dict(part):
                rest += reversed(part.values())
            case list(parts):
                rest += reversed(parts)


def create(pipeline: UUID, name: str, definition: dict[str, Any]) -> list[PipelineVersionEvent]:
    """An empty definition is one without steps. Rejected("invalid") names what is wrong in it."""
    steps = definition.get("steps", [])
    if not isinstance(steps, list):
        raise Rejected("invalid", "definition.steps: give a list of steps")
    for place, step in enumerate(steps):
        if not isinstance(step, dict) or len(step) != 1:
            raise Rejected(
                "invalid",
                f"definition.steps[{place}]: give an object with one key, the kind of the step",
            )
    complete = {**definition, "id": name, "steps": steps}
    if len(msgspec.json.encode(complete)) > MAX_DEFINITION_BYTES:
        raise Rejected("invalid", f"definition: over {MAX_DEFINITION_BYTES} bytes; use fewer steps")
    return [PipelineVersionCreated(pipeline=pipeline, name=name, definition=complete)]


def delete(state: PipelineVersion) -> list[PipelineVersionEvent]:
    """Deleting twice is deleting once."""
    return [] if state.deleted else [PipelineVersionDeleted()]
