"""When a schedule is due, by looking at every second: slow, and nothing to get wrong.

No code of the platform's is asked. Numbers, `*`, lists, ranges and steps are understood, seconds
first or not at all; None for what isn't, or where the zone's clock changes meanwhile.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from libs.domain.values import Schedule

_SECOND, _MINUTE, _DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
_RANGES = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def due_between(schedule: Schedule, after: datetime, through: datetime) -> list[datetime] | None:
    """The instants after `after`, up to and with `through`, in UTC."""
    fields = _fields(schedule.expression)
    zone = ZoneInfo(schedule.zone)
    if fields is None or _clock_changes(zone, after, through):
        return None
    return list(_matching(fields, zone, after, through))


def _matching(
    fields: list[set[int]], zone: ZoneInfo, after: datetime, through: datetime
) -> Iterator[datetime]:
    seconds, minutes, hours, days, months, weekdays = fields
    minute = after.replace(second=0, microsecond=0)
    while minute <= through:
        local = minute.astimezone(zone)
        weekday = local.isoweekday() % 7
        of_day = local.day in days, weekday in weekdays or (weekday == 0 and 7 in weekdays)
        either = len(days) < 31 and len(weekdays) < 7  # cron: one of the two will do
        if (
            local.minute in minutes
            and local.hour in hours
            and local.month in months
            and (any(of_day) if either else all(of_day))
        ):
            found = (minute + second * _SECOND for second in sorted(seconds))
            yield from (at for at in found if after < at <= through)
        minute += _MINUTE


def _fields(expression: str) -> list[set[int]] | None:
    texts = expression.split()
    if len(texts) == 5:
        texts = ["0", *texts]
    if len(texts) != 6:
        return None
    try:
        return [_field(text, *bounds) for text, bounds in zip(texts, _RANGES, strict=True)]
    except ValueError:
        return None


def _field(text: str, low: int, high: int) -> set[int]:
    """ValueError for what is not of numbers; a year, say."""
    found: set[int] = set()
    for part in text.split(","):
        body, _, step = part.partition("/")
        first, dash, last = body.partition("-")
        if body == "*":
            span = range(low, high + 1)
        else:
            span = range(int(first), (int(last) if dash else high if step else int(first)) + 1)
        found.update(span[:: int(step or 1)])
    if not found or min(found) < low or max(found) > high:
        raise ValueError(text)
    return found


def _clock_changes(zone: ZoneInfo, after: datetime, through: datetime) -> bool:
    offset = after.astimezone(zone).utcoffset()
    at = after
    while at < through:
        at = min(at + _DAY, through)
        if at.astimezone(zone).utcoffset() != offset:
            return True
    return after.astimezone(UTC).astimezone(zone).utcoffset() != offset
