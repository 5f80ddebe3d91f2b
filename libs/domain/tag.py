"""A tag: a word that is put on model versions and pipelines."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.domain import names
from libs.domain.errors import Rejected
from libs.domain.events import TagCreated, TagEvent
from libs.domain.history import Happened

MAX_NAME = 128
MAX_TAGS = 100  # on one thing


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """`number` is the integer by which the wire knows it: the place of its event. Several may have
    the same name."""

    id: UUID
    number: int
    name: str
    created_by: str
    created_at: datetime


def evolve(state: Tag | None, fact: Happened) -> Tag:
    """The tag that its only event makes. ValueError for another's event."""
    match fact.event:
        case TagCreated(name=name):
            return Tag(
                id=UUID(fact.stream.id),
                number=fact.seq,
                name=name,
                created_by=fact.actor,
                created_at=fact.at,
            )
        case other:
            raise ValueError(f"{type(other).__name__} is no event of a tag")


def create(name: str) -> list[TagEvent]:
    """Rejected("invalid") for a name that can't be seen or is too long."""
    names.check("tag", name, MAX_NAME)
    return [TagCreated(name=name)]


def check_tags(tags: Sequence[UUID], id: UUID) -> None:
    """Rejected("conflict") if `id` would be one too many on a thing that has these."""
    if id not in tags and len(tags) >= MAX_TAGS:
        raise Rejected("conflict", f"tag_id: there are {MAX_TAGS} tags on it; remove one first")
