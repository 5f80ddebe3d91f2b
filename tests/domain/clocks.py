"""Every change of every zone's clock, found by looking; and a schedule that is obviously right: it
goes through all minutes, one by one, and looks at the clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo

import tzdata

from libs.domain import zones

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
_LOOK = timedelta(days=3)
# From when on all clocks are set at whole minutes, until the end of what is to be tried.
FIRST, LAST = datetime(1973, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)


class Change(NamedTuple):
    """The clock of a zone is set at this instant."""

    zone: str
    at: datetime

    @property
    def kind(self) -> tuple[object, ...]:
        """Two changes of one kind look the same to whoever has the clock and a calendar without
        dates."""
        zone = zones.named(self.zone)
        before, after = (self.at - MINUTE).astimezone(zone), self.at.astimezone(zone)
        return before.time(), after.time(), (after.date() - before.date()).days


@cache
def distinct() -> tuple[str, ...]:
    """The names of zones, one of those that are the same."""
    folder = files(tzdata).joinpath("zoneinfo")
    listed = files(tzdata).joinpath("zones").read_text().split()
    rules = {folder.joinpath(*name.split("/")).read_bytes(): name for name in sorted(listed)}
    return tuple(sorted(set(rules.values()) - {"Factory"}))


def changes(name: str, first: datetime = FIRST, last: datetime = LAST) -> Iterator[Change]:
    zone, at = zones.named(name), first
    before = at.astimezone(zone).utcoffset()
    while at < last:
        at += _LOOK
        after = at.astimezone(zone).utcoffset()
        if after != before:
            yield Change(name, _found(zone, at - _LOOK, at))
        before = after


def _found(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    before = low.astimezone(zone).utcoffset()
    while high - low > MINUTE:
        middle = low + (high - low) // MINUTE // 2 * MINUTE
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


@cache
def minutes(change: Change) -> tuple[tuple[datetime, datetime], ...]:
    """Two days before and after: each minute, and what the clock shows then."""
    zone, first = zones.named(change.zone), change.at - 2 * DAY
    instants = (first + at * MINUTE for at in range(4 * 24 * 60))
    return tuple((at, at.astimezone(zone).replace(tzinfo=None)) for at in instants)


@cache
def all_changes() -> tuple[Change, ...]:
    return tuple(change for name in distinct() for change in changes(name))


class Written(NamedTuple):
    """A schedule as sets: none means all. Of `days` and `weekdays` one is given at most, or both
    are looked at."""

    minutes: frozenset[int] | None
    hours: frozenset[int] | None
    days: frozenset[int] | None
    weekdays: frozenset[int] | None
    seconds: tuple[int, ...] = (0,)

    @property
    def expression(self) -> str:
        sets = (frozenset(self.seconds), self.minutes, self.hours, self.days, None, self.weekdays)
        return " ".join("*" if one is None else ",".join(map(str, sorted(one))) for one in sets)

    def means(self, shown: datetime) -> bool:
        by_day = self.days is None or shown.day in self.days
        by_weekday = self.weekdays is None or shown.isoweekday() % 7 in self.weekdays
        if self.days is not None and self.weekdays is not None:
            on_day = by_day or by_weekday
        else:
            on_day = by_day and by_weekday
        return (
            on_day
            and (self.minutes is None or shown.minute in self.minutes)
            and (self.hours is None or shown.hour in self.hours)
        )

    def ticks(self, change: Change) -> list[datetime]:
        """Two days before and after a change."""
        repeats = self.minutes is None or self.hours is None
        found = []
        _, fresh = minutes(change)[0]
        for at, shown in minutes(change):
            due = self.means(shown) and (repeats or shown >= fresh)
            while fresh <= shown:
                due = due or (not repeats and self.means(fresh))
                fresh += MINUTE
            if due:
                found += [at + timedelta(seconds=second) for second in self.seconds]
        return found
