"""The filter and the start of a request for events, from its query."""

import re
from datetime import datetime
from typing import Annotated

import msgspec
from multidict import MultiMapping

from libs.domain.errors import Rejected
from libs.domain.event_filter import (
    EventFilter,
    Ids,
    parse_aggregate,
)
from libs.domain.events import AGGREGATE_OF
from libs.domain.ids import Aggregate
from libs.domain.registry import AGGREGATES

NAMES = ("workspace", "types", "aggregate", "after", "since", "limit")
MOST = 1000  # events in a page
DEFAULT = 100
_MOST_NAMED = 100  # of anything: each costs a look at who may see it, or at where it lies

Query = MultiMapping[str]

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_INSTANT = Annotated[datetime, msgspec.Meta(tz=True)]


def event_filter(query: Query) -> EventFilter:
    unknown = sorted(set(query) - set(NAMES))
    if unknown:
        raise Rejected("invalid", f"{unknown[0][:40]}: there is no such filter; see {NAMES}")
    workspaces = frozenset(number("workspace", text) for text in _listed(query, "workspace"))
    types = frozenset(_type(text) for text in _listed(query, "types"))
    return EventFilter(
        workspaces=workspaces if "workspace" in query else None,
        types=types if "types" in query else None,
        aggregates=_aggregates(query) if "aggregate" in query else None,
    )


def after(query: Query) -> int | None:
    text = query.get("after")
    return None if text is None else number("after", text)


def since(query: Query) -> datetime | None:
    text = query.get("since")
    if text is None:
        return None
    if "after" in query:
        raise Rejected("invalid", "since: give either since or after")
    try:
        return msgspec.convert(text, _INSTANT)
    except msgspec.ValidationError:
        raise Rejected(
            "invalid",
            f"since: {text[:40]!r} is no instant; give one such as 2026-03-02T12:00:00Z"
            " (and write + as %2B)",
        ) from None


def limit(query: Query) -> int:
    size = number("limit", query.get("limit", str(DEFAULT)))
    if not 1 <= size <= MOST:
        raise Rejected("invalid", f"limit: give 1 to {MOST}")
    return size


def number(field: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Rejected("invalid", f"{field}: {text[:40]!r} is no number; give one such as 4711")
    return int(text)


def _listed(query: Query, name: str) -> list[str]:
    """The values of a parameter that is repeated, or has commas."""
    names = [part.strip() for text in query.getall(name, []) for part in text.split(",")]
    if len(names) > _MOST_NAMED:
        raise Rejected("invalid", f"{name}: give at most {_MOST_NAMED}, or none for all")
    return names


def _type(text: str) -> str:
    if text not in AGGREGATE_OF:
        raise Rejected(
            "invalid", f"types: there is no event {text[:40]!r}; see /v1/api/events/catalogue"
        )
    return text


def _aggregates(query: Query) -> dict[Aggregate, Ids]:
    filters: dict[Aggregate, Ids] = {}
    for text in _listed(query, "aggregate"):
        kind, id = parse_aggregate(text, tuple(AGGREGATES))
        before = filters.get(kind, frozenset())
        filters[kind] = None if before is None or id is None else before | {id}
    return filters
