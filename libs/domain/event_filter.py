"""Which events somebody asks for: of which workspaces, of which types, about what.

The grammar of what an event is about is the same for GET /v1/api/events, the dashboard and
subscriptions: a kind of aggregate, or one and an id (`task`, `task:<id>`).
"""

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import get_args
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected
from libs.domain.events import AGGREGATE_OF
from libs.domain.history import Happened
from libs.domain.ids import EVENTS_ROOT, Aggregate

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)

Ids = frozenset[str] | None


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Each of the three narrows it; None stands for all.

    `types` are names of events; `aggregates` says of which kinds of thing, and by their ids of
    which ones (None again for all of a kind).
    """

    workspaces: frozenset[int] | None = None
    types: frozenset[str] | None = None
    aggregates: Mapping[Aggregate, Ids] | None = None

    def wants(self, event: Happened) -> bool:
        """Whether the filter lets this event through."""
        stream = event.stream
        if self.workspaces is not None and stream.workspace not in self.workspaces:
            return False
        if self.types is not None and type(event.event).__name__ not in self.types:
            return False
        if self.aggregates is None:
            return True
        ids = self.aggregates.get(stream.aggregate, frozenset())
        return ids is None or stream.id in ids

    @property
    def subjects(self) -> list[str]:
        """Where the log has what is wanted, and perhaps more than that."""
        return self.subjects_in(self.workspaces)

    def subjects_in(self, workspaces: Collection[int] | None) -> list[str]:
        """The same for these workspaces instead."""
        places = ["*"] if workspaces is None else [str(id) for id in sorted(workspaces)]
        kinds = self._kinds()
        if kinds is None:
            return [f"{EVENTS_ROOT}.>"] if workspaces is None else _whole(places)
        return [
            f"{EVENTS_ROOT}.{place}.{kind}.{id}"
            for place in places
            for kind, ids in sorted(kinds.items())
            for id in (["*"] if ids is None else sorted(ids))
        ]

    def _kinds(self) -> Mapping[Aggregate, Ids] | None:
        if self.types is None:
            return self.aggregates
        meant = {AGGREGATE_OF[name] for name in self.types}
        wanted = dict.fromkeys(get_args(Aggregate)) if self.aggregates is None else self.aggregates
        return {kind: ids for kind, ids in wanted.items() if kind in meant}


def _whole(workspaces: Iterable[str]) -> list[str]:
    return [f"{EVENTS_ROOT}.{workspace}.>" for workspace in workspaces]


def parse_aggregate(text: str, known: Collection[Aggregate]) -> tuple[Aggregate, str | None]:
    """`task` or `task:<id>`, of the `known` kinds; the id as it stands in subjects.

    Rejected("invalid") names the field `aggregate`.
    """
    kind, colon, id = text.partition(":")
    for aggregate in known:
        if aggregate == kind:
            return aggregate, _parse_id(aggregate, id) if colon else None
    raise Rejected("invalid", f"aggregate: give one of {', '.join(known)}, or one and ':<id>'")


def not_an_id() -> Rejected:
    """Rejected("invalid"): `text` is no id of that aggregate."""
    return Rejected("invalid", "aggregate: behind the ':' give an id as the platform answered it")


def _parse_id(kind: Aggregate, text: str) -> str:
    if kind == "workspace" and _NUMBER.fullmatch(text):
        return str(int(text))
    if kind != "workspace":
        with suppress(ValueError):
            return str(UUID(text))
    raise not_an_id()
