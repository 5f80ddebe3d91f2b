"""Answers of the routes for histories."""

from datetime import datetime
from typing import Any

import msgspec

from libs.domain.ids import Aggregate


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An event: who, when and why.

    `actor` is the id of a user or the name of a service, `who` their email or that name.
    `correlation` is the request that led to it, `causation` the `id` of the event that it answers.
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
    """`events` is oldest first. `state` is that after the last event up to `until`, a sequence of
    the log, or none if nothing existed then."""

    aggregate: Aggregate
    id: str
    workspace: int
    events: list[Entry]
    until: int
    state: dict[str, Any] | None


class Chain(msgspec.Struct, frozen=True):
    """Oldest first: each event but the first answers one before it."""

    events: list[Entry]
