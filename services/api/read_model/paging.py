"""Where the next page of a list begins."""

from typing import Literal
from uuid import UUID

from services.api.read_model.row_types import NEWEST, Rows

# The place of a row in its list, by its id.
_PLACES = {
    "orchestration": "SELECT created_seq FROM orchestration WHERE id = $1",
    "task": "SELECT created_seq FROM task WHERE id = $1",
    "run": "SELECT updated_seq FROM run WHERE id = $1",
}


async def find_position(
    rows: Rows, kind: Literal["orchestration", "task", "run"], id: UUID | None
) -> int | None:
    """Before it comes what is older; NEWEST where no id is given, none where there is no such."""
    if id is None:
        return NEWEST
    found: int | None = await rows.fetchval(_PLACES[kind], id)
    return found
