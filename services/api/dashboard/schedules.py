"""Schedules as people choose them: months, days and times as one cron line."""

import re
from calendar import day_abbr, month_abbr
from collections.abc import Sequence
from datetime import datetime

from libs.domain import schedule
from libs.domain.errors import Rejected
from libs.domain.values import Schedule

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)

# What a box to tick is called, by what cron calls it.
MONTHS = {number: month_abbr[number] for number in range(1, 13)}
DAYS = {number: str(number) for number in range(1, 32)}
WEEKDAYS = {number: day_abbr[number - 1] for number in range(1, 8)}


def cron_line(
    months: Sequence[str], days: Sequence[str], weekdays: Sequence[str], times: str
) -> str:
    """The cron line. An empty choice means every one. Rejected if one line can't say it."""
    if days and weekdays:
        raise Rejected("invalid", "days: choose days of the month or of the week, not both")
    minutes, hours = _times(times)
    return f"{minutes} {hours} {_listed(days)} {_listed(months)} {_listed(weekdays)}"


def _listed(numbers: Sequence[str]) -> str:
    return ",".join(numbers) or "*"


def _times(text: str) -> tuple[str, str]:
    """Minutes and hours as lists of cron, which combines each minute with each hour."""
    pairs = {_time(part) for part in re.split(r"[,;\s]+", text.strip()) if part}
    if not pairs:
        raise Rejected("invalid", "times: give a time such as 20:00, or several: 08:00, 20:00")
    hours, minutes = ({pair[place] for pair in pairs} for place in (0, 1))
    if len(pairs) != len(hours) * len(minutes):
        raise Rejected(
            "invalid",
            "times: one schedule can't have just these; give times with the same minutes,"
            " or create a task for each",
        )
    return ",".join(map(str, sorted(minutes))), ",".join(map(str, sorted(hours)))


def _time(part: str) -> tuple[int, int]:
    match = _TIME.fullmatch(part)
    if match is None:
        raise Rejected("invalid", f"times: {part[:20]!r} is no time of day; give one such as 20:00")
    return int(match[1]), int(match[2])


def upcoming(plan: Schedule, now: datetime) -> list[datetime]:
    """The next five instants in the zone of the schedule. Rejected if there are none."""
    schedule.check(plan, now)
    return schedule.upcoming(plan, now)
