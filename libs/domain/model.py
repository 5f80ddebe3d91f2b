"""A model: a name in a workspace, under which versions are uploaded (model_version.py)."""

import re
from datetime import datetime
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected
from libs.domain.events import ModelCreated, ModelDeleted, ModelEvent
from libs.domain.history import Happened, existing

MAX_NAME = 128
# It stands in URLs and in the definitions of pipelines. Clients are stricter.
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_NAME - 1}}}")


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """`number` is the integer by which the wire knows it: the place of its first event."""

    id: UUID
    number: int
    workspace: int
    name: str
    owner: str
    created_at: datetime
    deleted: bool = False


def evolve(state: Model | None, fact: Happened) -> Model:
    """The model after one more of its events. ValueError for another's event, or a log that begins
    in the middle."""
    match fact.event:
        case ModelCreated(name=name):
            return Model(
                id=UUID(fact.stream.id),
                number=fact.seq,
                workspace=fact.stream.workspace,
                name=name,
                owner=fact.actor,
                created_at=fact.at,
            )
        case ModelDeleted():
            return msgspec.structs.replace(existing(state, "ModelDeleted"), deleted=True)
        case other:
            raise ValueError(f"{type(other).__name__} is no event of a model")


def check_name(field: str, name: str) -> None:
    """Rejected("invalid") for a name that can't stand in a URL."""
    if not _NAME.fullmatch(name):
        raise Rejected(
            "invalid",
            f"{field}: {name[:MAX_NAME]!r} is no name for it; give 1 to {MAX_NAME} letters, digits,"
            " '-', '_' or '.', a letter or digit first",
        )


def create(state: Model | None, name: str) -> list[ModelEvent]:
    """Nothing to do if there is one of that name; one that was deleted begins anew."""
    check_name("name", name)
    return [] if state and not state.deleted else [ModelCreated(name=name)]


def delete(state: Model) -> list[ModelEvent]:
    """Deleting twice is deleting once."""
    return [] if state.deleted else [ModelDeleted()]
