"""Tags. They lie in no workspace: services/api/access/inference.py says who sees which."""

from collections.abc import Sequence
from uuid import UUID

from libs.domain.tag import Tag
from libs.postgres.statements import load
from services.api.read_model.row_types import TAG, Rows

_SQL = load(__name__)


async def find_tag(rows: Rows, number: int) -> Tag | None:
    """Whoever may see it."""
    state = await rows.fetchval(_SQL["find_tag"], number)
    return TAG.decode(state) if state else None


async def tags_with_ids(rows: Rows, ids: Sequence[UUID]) -> dict[UUID, Tag]:
    """By id, oldest first."""
    records = await rows.fetch(_SQL["tags_with_ids"], ids) if ids else []
    return {tag.id: tag for tag in (TAG.decode(row["state"]) for row in records)}


async def is_on_something(rows: Rows, tag: UUID) -> bool:
    """Whether it is on anything, in whichever workspace."""
    found: bool = await rows.fetchval(_SQL["is_on_something"], tag)
    return found


async def tag_page(
    rows: Rows, creator: str, workspaces: Sequence[int], limit: int, only_unused: bool
) -> list[Tag]:
    """The newest `limit` that are on something in the workspaces, or that `creator` has created: of
    these, with `only_unused`, what is on nothing. Newest first."""
    records = await rows.fetch(_SQL["tag_page"], creator, workspaces, limit, only_unused)
    return [TAG.decode(row["state"]) for row in records]


async def all_tags(rows: Rows, limit: int) -> list[Tag]:
    """The newest `limit`, newest first."""
    records = await rows.fetch(_SQL["all_tags"], limit)
    return [TAG.decode(row["state"]) for row in records]
