"""Which events somebody asks for."""

from collections.abc import Collection, Mapping

import msgspec

from libs.domain.ids import EVENTS_ROOT, Aggregate
from libs.domain.registry import AGGREGATE_OF, AGGREGATES
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EVERYTHING

Ids = frozenset[str] | None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Each of the three narrows it; None stands for all.

    `types` are names of events; `aggregates` says of which kinds of thing, and by their ids of
    which ones (None again for all of a kind).
    """

    workspaces: frozenset[int] | None = None
    types: frozenset[str] | None = None
    aggregates: Mapping[Aggregate, Ids] | None = None

    def wants(self, event: Recorded) -> bool:
        stream = event.stream
        if self.workspaces is not None and stream.workspace not in self.workspaces:
            return False
        if self.types is not None and type(event.event).__name__ not in self.types:
            return False
        if self.aggregates is None:
            return True
        ids = self.aggregates.get(stream.aggregate, frozenset())
        return ids is None or stream.id in ids

    async def subjects(self) -> list[str]:
        return self.subjects_in(self.workspaces)

    def subjects_in(self, workspaces: Collection[int] | None) -> list[str]:
        """Where the log has what is wanted of these workspaces, and perhaps more than that."""
        places = ["*"] if workspaces is None else [str(id) for id in sorted(workspaces)]
        kinds = self._kinds()
        if kinds is None:
            whole = [f"{EVENTS_ROOT}.{place}.>" for place in places]
            return [EVERYTHING] if workspaces is None else whole
        return [
            f"{EVENTS_ROOT}.{place}.{kind}.{id}"
            for place in places
            for kind, ids in kinds.items()
            for id in (["*"] if ids is None else sorted(ids))
        ]

    def _kinds(self) -> Mapping[Aggregate, Ids] | None:
        if self.types is None:
            return self.aggregates
        meant = {AGGREGATE_OF[name] for name in self.types}
        asked = dict.fromkeys(AGGREGATES) if self.aggregates is None else self.aggregates
        return {kind: ids for kind, ids in asked.items() if kind in meant}
