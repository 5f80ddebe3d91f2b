"""The times of a day that a cron expression names, as numbers that can be reckoned with."""

from bisect import bisect_left

import msgspec


class Times(msgspec.Struct, frozen=True, gc=False):
    """Where these hours, minutes and seconds meet, in order; each of the three is ascending."""

    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many there are in a day."""
        return len(self.hours) * len(self.minutes) * len(self.seconds)

    def before(self, second: int) -> int:
        """How many come before that second of the day; it may lie outside of the day."""
        minute, second = divmod(second, 60)
        hour, minute = divmod(minute, 60)
        h = bisect_left(self.hours, hour)
        if h == len(self.hours) or self.hours[h] != hour:
            return h * len(self.minutes) * len(self.seconds)
        m = bisect_left(self.minutes, minute)
        if m == len(self.minutes) or self.minutes[m] != minute:
            return (h * len(self.minutes) + m) * len(self.seconds)
        s = bisect_left(self.seconds, second)
        return (h * len(self.minutes) + m) * len(self.seconds) + s

    def nth(self, rank: int) -> int:
        """The second of the day of the one that has so many before it."""
        rest, second = divmod(rank, len(self.seconds))
        hour, minute = divmod(rest, len(self.minutes))
        return (self.hours[hour] * 60 + self.minutes[minute]) * 60 + self.seconds[second]
