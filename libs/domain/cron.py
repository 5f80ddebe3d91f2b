"""Cron expressions: what the documents show, brought to five or six fields for cronsim.

Accepted: 5 fields; 6 with seconds first; 6 whose last is a year (`0 0 12 1-15 2 2024`: seconds,
minute, hour, day, month, year); 7 (seconds first, year last); macros such as `@daily`; `?` for
`*`; commas behind a field (`*/1, *, *, *, *`). Daylight saving goes by Debian cron's rules.
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
_YEARS = re.compile(r"\d{4}(-\d{4})?(,\d{4}(-\d{4})?)*")
_MAX_LENGTH = 256
_HELP = "give five cron fields such as '*/5 * * * *', six with seconds first, or a macro"


class Cron(msgspec.Struct, frozen=True):
    """`fields` is what cronsim takes; `years` is empty when every year will do."""

    fields: str
    years: frozenset[int] = frozenset()

    def after(self, instant: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """The instants after `instant`, in UTC, ascending, until there is none for 50 years."""
        start = instant.astimezone(zone)
        while True:
            year = None
            for local in CronSim(self.fields, start):
                year = self._next_year(local.year)
                if year != local.year:
                    break
                yield local.astimezone(UTC)
            else:
                return
            if year is None:
                return
            start = datetime(year, 1, 1, tzinfo=zone) - timedelta(seconds=1)

    def _next_year(self, year: int) -> int | None:
        if not self.years:
            return year
        return min((known for known in self.years if known >= year), default=None)


def parse(expression: str) -> Cron:
    """Rejected when it is no cron expression, or when no calendar day can ever match it."""
    if len(expression) > _MAX_LENGTH:
        raise Rejected("invalid", f"schedule: longer than {_MAX_LENGTH} characters; {_HELP}")
    text = _MACROS.get(expression.strip().lower(), expression)
    fields = [field.rstrip(",") for field in text.replace("?", "*").split()]
    fields, years = _without_year(fields)
    if len(fields) not in (5, 6):
        raise Rejected("invalid", f"schedule: {expression!r} has {len(fields)} fields; {_HELP}")
    cron = Cron(" ".join(fields), years)
    try:
        CronSim(cron.fields, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise Rejected("invalid", f"schedule: {expression!r}: {error}; {_HELP}") from error
    return cron


def _without_year(fields: list[str]) -> tuple[list[str], frozenset[int]]:
    if len(fields) == 7:
        *fields, years = fields
        return fields, frozenset() if years == "*" else _years(years)
    if len(fields) == 6 and _YEARS.fullmatch(fields[5]):
        return [*fields[:5], "*"], _years(fields[5])
    return fields, frozenset()


def _years(field: str) -> frozenset[int]:
    if not _YEARS.fullmatch(field):
        raise Rejected("invalid", f"schedule: {field!r} is no year; give 2026 or 2026-2028")
    found: set[int] = set()
    for part in field.split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)
