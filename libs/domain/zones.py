"""Time zones by the rules of the tzdata package, whatever the operating system has: its files may
be years old, and another machine's differ."""

from bisect import bisect_right
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import tzdata

from libs.domain.errors import Rejected

VERSION: str = tzdata.IANA_VERSION

DAY = 86_400
# Between two looks at a zone's clock. No zone has ever changed it twice within six days
# (tests/domain/test_zones.py looks at all of them).
_LOOK = 2 * DAY
# A clock has never been set by more than a day and two hours.
_FURTHEST = 2 * DAY
_PLACEHOLDERS = {"Factory"}
_REMEDY = "give one such as 'Europe/Berlin', or 'UTC'"


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """From `start` until `end`, both in seconds since 1970 in UTC, the clock is `ahead` seconds
    ahead of UTC. `shown` is what it had come to before `start`, as seconds since 1970 of its own;
    none where that is of no matter any more."""

    start: int
    end: int
    ahead: int
    shown: int | None = None


def named(name: str) -> ZoneInfo:
    """The zone of that name. Rejected when it is none: what stands for another zone on another
    machine (`localtime`) and what is no civil time (`right/UTC`) are no zones."""
    if name in _names():
        return _load(name)
    written = _by_case().get(name.lower())
    if written is not None:
        raise Rejected("invalid", f"zone: {name!r} is written {written!r}; give it so")
    given, (_, _, rest) = name[:64], name.partition("/")
    remedy = f"give {rest!r}" if rest in _names() else _REMEDY
    raise Rejected("invalid", f"zone: {given!r} is no IANA time zone; {remedy}")


@lru_cache(maxsize=1024)
def stored(name: str) -> ZoneInfo:
    """The zone that an event names. Some names are refused now but were taken once: they go on as
    what they stood for, and as UTC where this machine does not know them."""
    plain = name.removeprefix("right/").removeprefix("posix/")
    known = plain if plain in _names() else _by_case().get(plain.lower())
    if known is not None:
        return _load(known)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return _load("UTC")


def stretch(zone: ZoneInfo, at: int) -> Stretch:
    """The stretch that holds `at`. It ends with a change of the clock, or with the year."""
    year = datetime.fromtimestamp(at, UTC).year
    changes = _changes(zone, year)
    if at - _new_year(year) < _FURTHEST:
        changes = _changes(zone, year - 1) + changes
    count = bisect_right(changes, at, key=lambda change: change.start)
    end = changes[count].start if count < len(changes) else _new_year(year + 1)
    if not count:
        return Stretch(_new_year(year), end, _ahead(zone, at))
    last = changes[count - 1]
    return Stretch(last.start, end, last.ahead, last.shown)


@lru_cache(maxsize=8192)
def _changes(zone: ZoneInfo, year: int) -> tuple[Stretch, ...]:
    """What begins in a year; its ends are not told."""
    found: list[Stretch] = []
    start, end = _new_year(year), _new_year(year + 1)
    before = _ahead(zone, start - 1)
    for look in (*range(start, end, _LOOK), end - 1):
        after = _ahead(zone, look)
        if after != before:
            at = _first(zone, look - _LOOK, look, before)
            found.append(Stretch(at, end, after, shown=at + before))
        before = after
    return tuple(found)


def _first(zone: ZoneInfo, earlier: int, later: int, ahead: int) -> int:
    """The first second after `earlier` that the clock is no longer so far ahead in."""
    while later - earlier > 1:
        middle = (earlier + later) // 2
        if _ahead(zone, middle) == ahead:
            earlier = middle
        else:
            later = middle
    return later


def _ahead(zone: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0


@cache
def _new_year(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


@cache
def _load(name: str) -> ZoneInfo:
    with files(tzdata).joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def _names() -> frozenset[str]:
    listed = files(tzdata).joinpath("zones").read_text(encoding="utf-8").split()
    return frozenset(listed) - _PLACEHOLDERS


@cache
def _by_case() -> dict[str, str]:
    return {name.lower(): name for name in _names()}
