"""Cron expressions: what the documents show, brought to five or six fields for cronsim.

Accepted: 5 fields; 6 with seconds first; 6 whose last is a year (`0 0 12 1-15 2 2024`: seconds,
minute, hour, day, month, year); 7 (seconds first, year last); macros such as `@daily`; `?` for
`*`; commas behind a field (`*/1, *, *, *, *`).

Daylight saving goes by Debian cron's rules: what is written for a time of day happens once a day,
right after the gap when the clock skips it; what has a `*` in minute or hour follows real time.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError

from libs.domain.errors import Rejected

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
_MINUTE = timedelta(minutes=1)
# A clock is set by less than that.
_CLOCK_CHANGE = timedelta(hours=3)
_MAX_LENGTH = 256
_HELP = "give five cron fields such as '*/5 * * * *', six with seconds first, or a macro"


class Cron(msgspec.Struct, frozen=True):
    """`fields` are five, as Debian cron has them, so that cronsim keeps to its rules; `seconds` of
    each minute that they name, ascending; `years` is empty when every year will do."""

    fields: str
    seconds: tuple[int, ...] = (0,)
    years: frozenset[int] = frozenset()

    def after(self, instant: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """The instants after `instant`, in UTC, ascending, until there is none for 50 years."""
        last = instant
        for minute in self._minutes(_start(instant, zone)):
            for second in self.seconds:
                at = minute.astimezone(UTC) + timedelta(seconds=second)
                if at > last:  # what comes earlier was written for an hour that comes twice
                    last = at
                    yield at

    def _minutes(self, start: datetime) -> Iterator[datetime]:
        while True:
            year = None
            for local in CronSim(self.fields, start):
                year = self._next_year(local.year)
                if year != local.year:
                    break
                yield local
            else:
                return
            if year is None:
                return
            start = datetime(year, 1, 1, tzinfo=start.tzinfo) - _MINUTE

    def _next_year(self, year: int) -> int | None:
        if not self.years:
            return year
        return min((known for known in self.years if known >= year), default=None)


def _start(instant: datetime, zone: ZoneInfo) -> datetime:
    """Where to look from: the minute before, or before a change of the clock that was just made,
    since a tick may have been put off by it."""
    local = instant.astimezone(zone)
    earlier = (instant - _CLOCK_CHANGE).astimezone(zone)
    if earlier.utcoffset() != local.utcoffset():
        return earlier
    return local.replace(second=0, microsecond=0) - _MINUTE


def parse(expression: str) -> Cron:
    """Rejected when it is no cron expression, or when no calendar day can ever match it."""
    if len(expression) > _MAX_LENGTH:
        raise Rejected("invalid", f"schedule: longer than {_MAX_LENGTH} characters; {_HELP}")
    text = _MACROS.get(expression.strip().lower(), expression)
    fields = [field.rstrip(",") or field for field in text.replace("?", "*").split()]
    fields, years = _without_year(fields)
    if len(fields) not in (5, 6):
        raise Rejected("invalid", f"schedule: {expression!r} has {len(fields)} fields; {_HELP}")
    try:
        simulated = CronSim(" ".join(fields), datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise Rejected("invalid", f"schedule: {expression!r}: {error}; {_HELP}") from error
    return Cron(" ".join(fields[-5:]), tuple(sorted(simulated.seconds)), years)


def _without_year(fields: list[str]) -> tuple[list[str], frozenset[int]]:
    if len(fields) == 7:
        *fields, years = fields
        return fields, frozenset() if years == "*" else _years(years)
    if len(fields) == 6 and _YEARS.fullmatch(fields[5]):
        return [*fields[:5], "*"], _years(fields[5])
    return fields, frozenset()


def _years(field: str) -> frozenset[int]:
    found: set[int] = set()
    if _YEARS.fullmatch(field):
        for part in field.split(","):
            first, _, last = part.partition("-")
            found.update(range(int(first), int(last or first) + 1))
    if not found or min(found) < _FIRST_YEAR or max(found) > _LAST_YEAR:
        raise Rejected(
            "invalid",
            f"schedule: {field!r} is no year from {_FIRST_YEAR} to {_LAST_YEAR}; "
            "give 2026 or 2026-2028",
        )
    return frozenset(found)
