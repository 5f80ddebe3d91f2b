"""Cron expressions: their fields, and what of other dialects would be misread (docs/schedules.md).

Five fields are minute, hour, day, month, weekday; six begin with a second, and may end with a year
in the weekday's place; seven have a second and a year. There are macros such as `@daily`, `?` for
any day or weekday, and commas behind a field (`*/1, *, *, *, *`). What `ticks.py` calls repeating
has a `*` at the beginning of its minute or its hour, as in Debian's cron(8).
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

from cronsim import CronSim, CronSimError

from libs.domain import dialects
from libs.domain.days import Dates, Days
from libs.domain.dialects import refused
from libs.domain.errors import Rejected
from libs.domain.ticks import Ticks
from libs.domain.times import Times

_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_YEARS = re.compile(r"\d{4}(-\d{4})?(,\d{4}(-\d{4})?)*", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1970, 2099
_MAX_LENGTH = 256


def parse(expression: str) -> Ticks:
    """Rejected when it is no cron expression, when it is one of another dialect that would mean
    something else here, or when no calendar day can ever match it."""
    if len(expression) > _MAX_LENGTH:
        raise refused(expression, f"longer than {_MAX_LENGTH} characters")
    dialects.check_whole(expression)
    fields = _fields(expression)
    names = dialects.ORDERS.get(len(fields), ())
    if len(fields) == 6 and _YEARS.fullmatch(fields[5]):
        names = dialects.WITH_YEAR
    if not names:
        raise _uncounted(expression, fields)
    dialects.check(expression, dict(zip(names, fields, strict=True)))
    return _read(expression, fields)


def stored(expression: str) -> Ticks:
    """What an event's expression means: also one that is refused by now goes on to mean what it did
    when it was stored. Once any `?` was a `*`."""
    return _read(expression, _fields(expression.replace("?", "*")))


def _uncounted(expression: str, fields: list[str]) -> Rejected:
    if fields and fields[0].startswith("@"):
        return refused(expression, "no macro", f"give one of {', '.join(_MACROS)}, or five fields")
    return refused(expression, f"{len(fields)} field{'s' * (len(fields) != 1)}")


def _fields(expression: str) -> list[str]:
    text = _MACROS.get(expression.strip().lower(), expression)
    return [field.rstrip(",") or field for field in text.split()]


def _read(expression: str, fields: list[str]) -> Ticks:
    fields, years = _without_year(expression, ["*" if one == "?" else one for one in fields])
    try:
        read = CronSim(" ".join(fields), datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        # Of fields that are right each for itself there is nothing else to be said.
        what = "a day that none of the months has"
        raise refused(expression, what, "give another day, or another month") from error
    minute, hour, day, _, weekday = fields[-5:]
    return Ticks(
        Dates(_days(day.upper(), weekday.upper()), frozenset(read.months), years),
        Times(*(tuple(sorted(values)) for values in (read.hours, read.minutes, read.seconds))),
        repeats=minute.startswith("*") or hour.startswith("*"),
    )


@lru_cache(maxsize=1024)
def _days(day: str, weekday: str) -> Days:
    """Of the two day fields; most schedules share them."""
    read = CronSim(f"0 0 {day} * {weekday}", datetime(2000, 1, 1, tzinfo=UTC))
    last = {CronSim.LAST, CronSim.LAST_WEEKDAY}
    nth = {one for one in read.weekdays if isinstance(one, tuple)}
    return Days(
        numbers=frozenset(read.days - last),
        last=CronSim.LAST in read.days,
        last_weekday=CronSim.LAST_WEEKDAY in read.days,
        weekdays=frozenset(one % 7 for one in read.weekdays - nth),
        nth=frozenset((one % 7, 0 if place == CronSim.LAST else place) for one, place in nth),
        both=read.day_and,
    )


def _without_year(expression: str, fields: list[str]) -> tuple[list[str], frozenset[int]]:
    if len(fields) == 7:
        *fields, years = fields
        return fields, frozenset() if years == "*" else _years(expression, years)
    if len(fields) == 6 and _YEARS.fullmatch(fields[5]):
        return [*fields[:5], "*"], _years(expression, fields[5])
    return fields, frozenset()


def _years(expression: str, field: str) -> frozenset[int]:
    found: set[int] = set()
    if _YEARS.fullmatch(field):
        for part in field.split(","):
            first, _, last = part.partition("-")
            found.update(range(int(first), int(last or first) + 1))
    if not found or min(found) < _FIRST_YEAR or max(found) > _LAST_YEAR:
        what = f"{field!r} is no year from {_FIRST_YEAR} to {_LAST_YEAR}"
        raise refused(expression, what, "give 2026 or 2026-2028")
    return frozenset(found)
