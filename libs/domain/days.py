"""Which days a cron expression names: by their number, by their weekday, or by both."""

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

EPOCH = date(1970, 1, 1).toordinal()
# Leap days on one weekday lie up to 40 years apart; what has not come for longer never does.
_NEVER_AFTER_YEARS = 50
_LAST_YEAR = 9998


class Days(msgspec.Struct, gc=False):
    """`last` and `last_weekday` say L and LW. `weekdays` are 0 for Sunday to 6; `nth` are a weekday
    and its how manieth of the month, 0 for the last.

    `both`: a day has to be in the numbers and in the weekdays, else one of them will do.
    """

    numbers: frozenset[int]
    last: bool
    last_weekday: bool
    weekdays: frozenset[int]
    nth: frozenset[tuple[int, int]]
    both: bool
    # There are but 28 kinds of month: what was found out of one is kept, a bit a day.
    kinds: dict[tuple[int, int], int] = {}

    def of_month(self, year: int, month: int) -> int:
        """The days of a month that are meant, a bit each: the first is bit 1."""
        first = date(year, month, 1)
        kind = first.isoweekday() % 7, _length(first)
        if kind not in self.kinds:
            self.kinds[kind] = sum(
                1 << day for day in range(1, kind[1] + 1) if self._meant(day, *kind)
            )
        return self.kinds[kind]

    def _meant(self, day: int, first: int, length: int) -> bool:
        weekday = (first + day - 1) % 7
        by_number = (
            day in self.numbers
            or (self.last and day == length)
            or (self.last_weekday and day == _last_weekday(first, length))
        )
        by_weekday = (
            weekday in self.weekdays
            or (weekday, (day + 6) // 7) in self.nth
            or ((weekday, 0) in self.nth and day + 7 > length)
        )
        return by_number and by_weekday if self.both else by_number or by_weekday


class Dates(msgspec.Struct, frozen=True, gc=False):
    """The days of those months and years, of any year when there are no `years`."""

    days: Days
    months: frozenset[int]
    years: frozenset[int] = frozenset()

    def between(self, first: int, last: int) -> Iterator[int]:
        """The dates from `first` to `last`, ascending, as days since 1970."""
        at, end = date.fromordinal(first + EPOCH), date.fromordinal(last + EPOCH)
        for year in range(at.year, end.year + 1):
            if self.years and year not in self.years:
                continue
            for month in range(at.month if year == at.year else 1, 13):
                if (year, month) > (end.year, end.month):
                    return
                if month in self.months:
                    yield from self._of_month(year, month, first, last)

    def _of_month(self, year: int, month: int, first: int, last: int) -> Iterator[int]:
        bits = self.days.of_month(year, month)
        before = date(year, month, 1).toordinal() - EPOCH - 1
        for day in range(max(1, first - before), min(31, last - before) + 1):
            if bits >> day & 1:
                yield before + day

    def next(self, first: int) -> int | None:
        """The first date from `first` on; none when there is none to come."""
        start = date.fromordinal(first + EPOCH).year
        end = min(start + _NEVER_AFTER_YEARS, _LAST_YEAR)
        if self.years:
            start, end = max(start, min(self.years)), max(self.years)
        first = max(first, _new_year(start))
        return next(self.between(first, _new_year(end + 1) - 1), None)


def _new_year(year: int) -> int:
    return date(year, 1, 1).toordinal() - EPOCH


def _length(first: date) -> int:
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return (following - first).days


def _last_weekday(first: int, length: int) -> int:
    weekday = (first + length - 1) % 7
    return length - (2 if weekday == 0 else 1 if weekday == 6 else 0)
