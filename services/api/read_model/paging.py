"""Where the next page of a list begins."""

from typing import Literal
from uuid import UUID

from libs.postgres.statements import load
from services.api.read_model.row_types import NEWEST, Rows

_SQL = load(__name__)
_POSITIONS = {
    "orchestration": _SQL["orchestration_position"],
    "task": _SQL["task_position"],
    "run": _SQL["run_position"],
}


async def find_position(
    rows: Rows, kind: Literal["orchestration", "task", "run"], id: UUID | None
) -> int | None:
    """The position before which a page begins: NEWEST without an id, None for an unknown id."""
    if id is None:
        return NEWEST
    position: int | None = await rows.fetchval(_POSITIONS[kind], id)
    return position
