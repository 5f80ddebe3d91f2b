"""How often something may be tried: ever more slowly after failures, or at a steady pace.

Both remember the last ten thousand keys and no more, so that nobody can fill the memory.
"""

import time
from collections.abc import Callable

FREE_FAILURES = 5
LONGEST_WAIT = 300.0
_MOST_KEYS = 10_000

Key = tuple[str, str]  # what is tried, such as an account; and the address


class Throttle:
    """After five failures the next try has to wait 1 s, then 2 s, 4 s, ... at most five minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[Key, tuple[int, float]] = {}

    def wait(self, key: Key) -> float:
        """Seconds until the next try is taken; 0 when it is now."""
        _, until = self._failures.get(key, (0, 0.0))
        return max(0.0, until - self._clock())

    def failed(self, key: Key) -> None:
        count, _ = self._failures.pop(key, (0, 0.0))
        if len(self._failures) >= _MOST_KEYS:
            del self._failures[next(iter(self._failures))]  # who failed longest ago
        wait = 2.0 ** (count + 1 - FREE_FAILURES) if count + 1 >= FREE_FAILURES else 0.0
        self._failures[key] = count + 1, self._clock() + min(wait, LONGEST_WAIT)

    def succeeded(self, key: Key) -> None:
        self._failures.pop(key, None)


class Allowance:
    """`burst` tries at once, and one more every `every` seconds. It is used up by trying, and given
    back by who turns out to have been no attacker."""

    def __init__(
        self, burst: int, every: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._every = every
        self._clock = clock
        self._full_at: dict[str, float] = {}  # when each will have all of it again

    def wait(self, key: str) -> float:
        """Seconds until there is one; 0 when there is now."""
        owed = self._full_at.get(key, 0.0) - self._clock()
        return max(0.0, owed - (self._burst - 1) * self._every)

    def use(self, key: str) -> None:
        now = self._clock()
        full_at = max(self._full_at.pop(key, 0.0), now)
        if len(self._full_at) >= _MOST_KEYS:
            del self._full_at[next(iter(self._full_at))]  # who tried longest ago
        self._full_at[key] = full_at + self._every

    def give_back(self, key: str) -> None:
        if key in self._full_at:
            self._full_at[key] -= self._every
