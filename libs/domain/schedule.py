"""Which ticks of a schedule are due, and what becomes of those that could not be had in time."""

from collections import deque
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from libs.domain import cron
from libs.domain.errors import Rejected
from libs.domain.events import Schedule

# A tick that is fired within this time is on time; misfire policies are for older ones.
GRACE = timedelta(seconds=5)
MAX_MISFIRE_CAP = 1000


class Tick(msgspec.Struct, frozen=True):
    """An instant to ask a run for; `missed` counts the ticks before it that it stands for (I3)."""

    at: datetime
    missed: int = 0


class Busy(msgspec.Struct, frozen=True):
    """Whether a run is open now, and when the last one ended."""

    now: bool = False
    until: datetime | None = None


@lru_cache(maxsize=4096)
def _parsed(expression: str, zone: str) -> tuple[cron.Cron, ZoneInfo]:
    try:
        return cron.parse(expression), ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Rejected(
            "invalid", f"zone: {zone!r} is no IANA time zone; give one such as 'Europe/Berlin'"
        ) from error


def check(schedule: Schedule, now: datetime) -> None:
    """Rejected when it can't be understood or has no instant left."""
    if not 1 <= schedule.misfire_cap <= MAX_MISFIRE_CAP:
        raise Rejected("invalid", f"misfire_cap: give 1 to {MAX_MISFIRE_CAP}")
    if next_after(schedule, now) is None:
        raise Rejected(
            "invalid",
            f"schedule: {schedule.expression!r} never fires again; give one with a time to come",
        )


def next_after(schedule: Schedule, instant: datetime) -> datetime | None:
    """The first tick after `instant`, in UTC; none when the schedule has ended."""
    expression, zone = _parsed(schedule.expression, schedule.zone)
    return next(expression.after(instant, zone), None)


def due(schedule: Schedule, after: datetime, now: datetime, busy: Busy) -> list[Tick]:
    """What to ask for now; `after` is the last instant that is accounted for.

    A tick that comes to nothing here is counted in a later one's `missed`, since `after` only
    moves on with a tick that is asked for.
    """
    if busy.now and schedule.overlap != "allow":
        return []
    waiting, count = _between(schedule, after, now)
    if not waiting:
        return []
    newest = waiting[-1]
    if schedule.misfire == "none" and newest < now - GRACE:
        return []
    if schedule.overlap == "skip" and busy.until is not None and newest <= busy.until:
        return []
    if schedule.misfire != "all" or schedule.overlap == "skip":
        return [Tick(newest, count - 1)]
    ticks = [Tick(waiting[0], count - len(waiting)), *map(Tick, list(waiting)[1:])]
    return ticks if schedule.overlap == "allow" else ticks[:1]


def _between(schedule: Schedule, after: datetime, now: datetime) -> tuple[deque[datetime], int]:
    """The newest ticks up to now, and how many there were in all."""
    expression, zone = _parsed(schedule.expression, schedule.zone)
    newest: deque[datetime] = deque(maxlen=schedule.misfire_cap)
    count = 0
    for instant in expression.after(after, zone):
        if instant > now:
            break
        newest.append(instant)
        count += 1
    return newest, count
