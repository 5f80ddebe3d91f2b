"""What a deployment does at the moment: requests a second and how long they take."""

import time
from collections import deque

import msgspec

_WINDOW_SECONDS = 60
_MAX_SAMPLES = 2000
_FRESH_SECONDS = 0.5


class Shown(msgspec.Struct, frozen=True):
    """Over the last minute; seconds from request to answer."""

    requests_per_second: float
    errors_per_second: float
    p50: float | None
    p99: float | None
    total: int
    errors: int


class Figures:
    """Cheap to keep: one append a request."""

    def __init__(self) -> None:
        self.last = time.monotonic()  # of a request, else since when we count
        self._total = self._errors = 0
        self._shown: Shown | None = None
        self._shown_at = 0.0
        self._samples: deque[tuple[float, float, bool]] = deque(maxlen=_MAX_SAMPLES)

    def count(self, since: float, *, good: bool) -> None:
        """A request that came at `since` has ended now."""
        self.last = now = time.monotonic()
        self._total += 1
        self._errors += not good
        self._samples.append((now, now - since, good))

    def show(self) -> Shown:
        """As of now, or a moment ago: it takes a millisecond."""
        now = time.monotonic()
        if self._shown is None or now - self._shown_at > _FRESH_SECONDS:
            self._shown, self._shown_at = self._count_up(now), now
        return self._shown

    def _count_up(self, now: float) -> Shown:
        recent = [one for one in self._samples if now - one[0] <= _WINDOW_SECONDS]
        if len(recent) == _MAX_SAMPLES:  # they reach back less far
            span = max(now - recent[0][0], 0.001)
        else:
            span = float(_WINDOW_SECONDS)
        times = sorted(seconds for _, seconds, good in recent if good)
        return Shown(
            requests_per_second=round(len(recent) / span, 2),
            errors_per_second=round(sum(not good for *_, good in recent) / span, 2),
            p50=times[len(times) // 2] if times else None,
            p99=times[len(times) * 99 // 100] if times else None,
            total=self._total,
            errors=self._errors,
        )
