"""Which ticks of a schedule are due, and what becomes of those that could not be had in time."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec

from libs.domain import cron, zones
from libs.domain.errors import Rejected
from libs.domain.ticks import Ticks
from libs.domain.values import Schedule

# A tick that is fired within this time is on time; misfire policies are for older ones.
GRACE = timedelta(seconds=5)
MAX_MISFIRE_CAP = 1000
_UPCOMING = 5
# Two versions of a zone's rules differ by less than this in what the clock shows.
_RULES_DIFFER = timedelta(hours=3)


class Tick(msgspec.Struct, frozen=True):
    """An instant to ask a run for; `missed` counts the ticks before it that it stands for (I3)."""

    at: datetime
    missed: int = 0


class Span(msgspec.Struct, frozen=True, gc=False):
    """Active time: ticks after `after` count, up to and with `through`; none: it goes on."""

    after: datetime
    through: datetime | None = None


class Busy(msgspec.Struct, frozen=True):
    """Whether a run is open now, and when the last one ended."""

    now: bool = False
    until: datetime | None = None


@lru_cache(maxsize=4096)
def _parsed(expression: str, zone: str) -> tuple[Ticks, ZoneInfo]:
    return cron.stored(expression), zones.stored(zone)


def check(schedule: Schedule, now: datetime) -> None:
    """Rejected when it can't be understood or has no instant left."""
    if not 1 <= schedule.misfire_cap <= MAX_MISFIRE_CAP:
        raise Rejected("invalid", f"misfire_cap: give 1 to {MAX_MISFIRE_CAP}")
    cron.parse(schedule.expression)
    zones.named(schedule.zone)
    if next_after(schedule, now) is None:
        raise Rejected(
            "invalid",
            f"schedule: {schedule.expression!r} never fires again; give one with a time to come",
        )


def next_after(schedule: Schedule, instant: datetime) -> datetime | None:
    """The first tick after `instant`, in UTC; none when the schedule has ended."""
    return next(ticks_after(schedule, instant), None)


def ticks_after(schedule: Schedule, instant: datetime) -> Iterator[datetime]:
    """The ticks after `instant`, in UTC, ascending. Most never end: take what you need."""
    ticks, zone = _parsed(schedule.expression, schedule.zone)
    return ticks.after(instant, zone)


def accounted_for(schedule: Schedule, asked: datetime) -> datetime:
    """The tick that `asked`, an instant that was asked for, is by the rules of today. Those of its
    zone may have been others then, by which the same time of day was an hour earlier."""
    tick = next_after(schedule, asked - timedelta(seconds=1))
    return tick if tick is not None and tick - asked < _RULES_DIFFER else asked


def upcoming(schedule: Schedule, instant: datetime) -> list[datetime]:
    """The next five ticks, or fewer where there are none, by the clock of the schedule's zone."""
    zone = zones.stored(schedule.zone)
    return [at.astimezone(zone) for at in islice(ticks_after(schedule, instant), _UPCOMING)]


def has_tick(schedule: Schedule, span: Span) -> bool:
    """Whether a tick lies in the span."""
    found = next_after(schedule, span.after)
    return found is not None and (span.through is None or found <= span.through)


def rest(active: Sequence[Span], through: datetime) -> list[Span]:
    """What is left of active time after `through`."""
    return [
        Span(max(span.after, through), span.through)
        for span in active
        if span.through is None or span.through > through
    ]


def due(schedule: Schedule, active: Sequence[Span], now: datetime, busy: Busy) -> list[Tick]:
    """What to ask for now; `active` is the time that is not accounted for, ascending.

    A tick that comes to nothing here is counted in a later one's `missed`, since time is accounted
    for only by a tick that is asked for, or by the task's end (see `uncounted`).
    """
    if busy.now and schedule.overlap != "allow":
        return []
    waiting, count = _newest(schedule, active, now)
    if not waiting:
        return []
    newest = waiting[-1]
    if schedule.misfire == "none" and newest < now - GRACE:
        return []
    if schedule.overlap == "skip" and busy.until is not None and newest <= busy.until:
        return []
    if schedule.misfire != "all" or schedule.overlap == "skip":
        return [Tick(newest, count - 1)]
    ticks = [Tick(waiting[0], count - len(waiting)), *map(Tick, waiting[1:])]
    return ticks if schedule.overlap == "allow" else ticks[:1]


def uncounted(schedule: Schedule, active: Sequence[Span], now: datetime) -> int:
    """How many ticks nothing accounts for when the task ends now."""
    ticks, zone = _parsed(schedule.expression, schedule.zone)
    return sum(ticks.newest(span.after, span.through or now, zone, 1)[1] for span in active)


def _newest(
    schedule: Schedule, active: Sequence[Span], now: datetime
) -> tuple[list[datetime], int]:
    """The newest ticks up to now, and how many there were in all."""
    ticks, zone = _parsed(schedule.expression, schedule.zone)
    newest: list[datetime] = []
    count = 0
    for span in active:
        through = min(now, span.through or now)
        found, several = ticks.newest(span.after, through, zone, schedule.misfire_cap)
        newest, count = [*newest, *found][-schedule.misfire_cap :], count + several
    return newest, count
