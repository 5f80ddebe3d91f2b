"""The tags of things that stand side by side, read for all of them at once."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from libs.domain.tag import Tag
from services.api.graphql.batch import Batch
from services.api.graphql.where import Row
from services.api.read_model.row_types import Rows
from services.api.read_model.tags import tags_with_ids


class Tagged(Protocol):
    """A version of a model, or a pipeline."""

    @property
    def tags(self) -> list[UUID]: ...


def tags_of(rows: Rows, things: Sequence[Tagged]) -> Batch[UUID, Tag]:
    """By id; what each row of them holds as `_tags_by_id`, beside the ids of its own, `_tags`."""

    async def load(ids: Sequence[UUID]) -> Mapping[UUID, Tag]:
        return await tags_with_ids(rows, ids)

    return Batch([tag for thing in things for tag in thing.tags], load)


async def tags(row: Row) -> list[Tag]:
    """Those of a row, oldest first."""
    found = [await row["_tags_by_id"].of(id) for id in row["_tags"]]
    return sorted((tag for tag in found if tag), key=lambda tag: tag.number)
