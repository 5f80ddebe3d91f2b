"""From what a clock has to show to the instants at which it does.

Two rules say all of what a change of the clock does:

- What repeats is due whenever the clock shows it: not in an hour that the clock skips, and again in
  an hour that comes twice.
- What is written for a time of day is due when the clock first shows that time or passes over it.
  What it passes over is due in the first minute after the change, once, with its seconds.
"""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from libs.domain.days import Dates
from libs.domain.times import Times
from libs.domain.zones import DAY, Stretch, stretch

# All clocks of the world show the same date within so much of each other.
_WORLD = 2 * DAY
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = (
    int((datetime(year, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) for year in (1900, 9998)
)


class Piece(NamedTuple):
    """Ticks without a change of the clock among them: those of `times` from one rank until another,
    counted from the midnight `base` on, which is in seconds since 1970."""

    base: int
    times: Times
    first: int
    end: int

    @property
    def size(self) -> int:
        """How many ticks it has."""
        return self.end - self.first

    def newest(self, most: int) -> Iterator[datetime]:
        """Its newest ticks, at most `most`, in UTC, ascending."""
        for rank in range(max(self.first, self.end - most), self.end):
            yield _EPOCH + timedelta(seconds=self.base + self.times.nth(rank))


class Ticks(msgspec.Struct, frozen=True):
    """`repeats` says which of the two rules holds."""

    dates: Dates
    times: Times
    repeats: bool

    def after(self, instant: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """The instants after `instant`, in UTC, ascending, until there is none for 50 years."""
        for piece in self._pieces(zone, _second(instant) + 1, _LAST):
            yield from piece.newest(piece.size)

    def newest(
        self, after: datetime, until: datetime, zone: ZoneInfo, most: int
    ) -> tuple[list[datetime], int]:
        """The newest instants after one and until another, ascending, and how many there are.

        It takes a step for each day between them, however many instants a day has.
        """
        pieces: deque[Piece] = deque()
        count = kept = 0
        for piece in self._pieces(zone, _second(after) + 1, _second(until) + 1):
            pieces.append(piece)
            count += piece.size
            kept += piece.size
            while kept - pieces[0].size >= most:
                kept -= pieces.popleft().size
        found = [instant for piece in pieces for instant in piece.newest(most)]
        return found[-most:], count

    def _pieces(self, zone: ZoneInfo, start: int, end: int) -> Iterator[Piece]:
        """Those from `start` until `end`, both in seconds since 1970."""
        at, end = max(start, _FIRST), min(end, _LAST)
        while at < end:
            part = stretch(zone, at)
            until = min(part.end, end)
            yield from (one for one in self._within(part, at, until) if one.size > 0)
            at = part.end
            if at < end:
                day = self.dates.next((at - _WORLD) // DAY)
                at = end if day is None else max(at, day * DAY - _WORLD)

    def _within(self, part: Stretch, at: int, end: int) -> Iterator[Piece]:
        """Those of a stretch from `at` until `end`."""
        start, until = at + part.ahead, end + part.ahead
        if self.repeats or part.shown is None or at - part.start > _WORLD:
            yield from self._shown(part, start, until)
            return
        began = part.start + part.ahead
        if any(one.size > 0 for one in self._shown(part, part.shown, began)):
            late = -(-began // 60) * 60  # a clock may be set in the midst of a minute
            yield from self._shown(part, start, min(until, late))
            yield _piece(self._one_minute, late - part.ahead, at, end)
            start = max(start, late + 60)
        yield from self._shown(part, max(start, part.shown), until)

    def _shown(self, part: Stretch, start: int, end: int) -> Iterator[Piece]:
        """Those of which the clock shows the times, from `start` until `end` on that clock."""
        if start >= end:
            return
        for day in self.dates.between(start // DAY, (end - 1) // DAY):
            yield _piece(self.times, day * DAY - part.ahead, start - part.ahead, end - part.ahead)

    @property
    def _one_minute(self) -> Times:
        return Times((0,), (0,), self.times.seconds)


def _piece(times: Times, base: int, start: int, end: int) -> Piece:
    return Piece(base, times, times.before(start - base), times.before(end - base))


def _second(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(seconds=1)
