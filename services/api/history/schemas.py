"""The history of anything, as it goes out."""

from datetime import datetime
from typing import Any

import msgspec

from libs.domain.ids import Aggregate


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An event, and who, when and why.

    `actor` is a user's id or a service's name, `who` their email or that name. `correlation` is the
    request that set it off, `causation` the `id` of the event that it answers, if any.
    """

    seq: int
    id: str
    aggregate: Aggregate
    of: str
    type: str
    at: datetime
    actor: str
    who: str
    source: str
    correlation: str
    causation: str
    data: dict[str, Any]


class History(msgspec.Struct, frozen=True, kw_only=True):
    """`events` is oldest first. `state` is as it was after the last event up to `until`, a sequence
    of the log; none when there was nothing yet."""

    aggregate: Aggregate
    id: str
    workspace: int
    events: list[Entry]
    until: int
    state: dict[str, Any] | None


class Chain(msgspec.Struct, frozen=True):
    """Oldest first: each event but the first answers one before it."""

    events: list[Entry]
