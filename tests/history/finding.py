"""What a checker says, and the log as its rules want it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from libs.eventlog.envelope import Recorded


class Finding(msgspec.Struct, frozen=True):
    """`rule` is the invariant's number, or `log` for what no service may ever write."""

    rule: str
    about: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule} {self.about}: {self.what}"


def by_stream(events: Iterable[Recorded], aggregate: str) -> dict[str, list[Recorded]]:
    """The events of each task, or run, by its id, in the log's order."""
    found: defaultdict[str, list[Recorded]] = defaultdict(list)
    for fact in events:
        if fact.stream.aggregate == aggregate:
            found[fact.stream.id].append(fact)
    return dict(found)


def names(facts: Sequence[Recorded]) -> list[str]:
    return [type(fact.event).__name__ for fact in facts]
