"""What is asked of a pipeline's log, and where a row stands in it."""

from typing import Annotated, Literal, NamedTuple
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected

MAX_INT64 = 2**63 - 1
MAX_ROWS = 1_000_000  # of a page

Status = Literal["All", "RecordLimited", "ByteLimited", "SchemaChange"]
_BAD_CURSOR = "cursor: this is none of ours; give the one of the answer before, or leave it out"


class Place(NamedTuple):
    """Of a row: places order as rows do."""

    time: int  # ms since 1970
    file: int
    offset: int
    row: int

    @property
    def text(self) -> str:
        """For users, who bring it back as a cursor."""
        return ".".join(map(str, self))


class LogQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`start` and `end` are ms since 1970, both included; `cursor` is the place of the last row of
    the page before. `dataset` and `exclude` are names, or beginnings of names up to a dot. Without
    a `separator` columns are nested in `in`, `out` and so on. With a `run`, what it asked for
    alone."""

    start: int = 0
    end: int = MAX_INT64
    descending: bool = False
    tail: bool = False
    limit: Annotated[int, msgspec.Meta(ge=0, le=MAX_ROWS)] | None = None
    cursor: str | None = None
    run: UUID | None = None
    dataset: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    separator: str | None = "."
    form: Literal["arrow", "json"] = "arrow"


def place(cursor: str) -> Place:
    """Raises Rejected("invalid") for a text that is no cursor."""
    parts = cursor.split(".")
    if len(parts) != len(Place._fields) or not all(_is_number(part) for part in parts):
        raise Rejected("invalid", _BAD_CURSOR)
    return Place(*map(int, parts))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= MAX_INT64
