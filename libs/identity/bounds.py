"""How often something may be tried: ever more slowly after failures, or at a steady pace.

Both remember the last ten thousand keys and no more, so that nobody can fill the memory.
"""

import time
from collections.abc import Callable

from libs.cache.bounded import BoundedCache

FREE_FAILURES = 5
MAX_WAIT_SECONDS = 300.0
_MAX_KEYS = 10_000

Key = tuple[str, str]  # what is tried, such as an account; and the address


class Throttle:
    """After five failures the next try has to wait 1 s, then 2 s, 4 s, ... at most five minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: BoundedCache[Key, tuple[int, float]] = BoundedCache(_MAX_KEYS)

    def wait(self, key: Key) -> float:
        """Seconds until the next try is taken; 0 when it is now."""
        _, until = self._failures.get(key, (0, 0.0))
        return max(0.0, until - self._clock())

    def failed(self, key: Key) -> None:
        """Counts a failure of `key`, which makes its next wait longer."""
        count = self._failures.get(key, (0, 0.0))[0] + 1
        wait = 2.0 ** (count - FREE_FAILURES) if count >= FREE_FAILURES else 0.0
        self._failures[key] = count, self._clock() + min(wait, MAX_WAIT_SECONDS)

    def succeeded(self, key: Key) -> None:
        """Forgets the failures of `key`."""
        self._failures.pop(key, None)


class Allowance:
    """A token bucket for each key: `burst` tries at once, and one more every `every` seconds.

    A try uses one up. Who turns out to be no attacker gets theirs back.
    """

    def __init__(
        self, burst: int, every: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._every = every
        self._clock = clock
        self._full_at: BoundedCache[str, float] = BoundedCache(_MAX_KEYS)  # when each is full again

    def wait(self, key: str) -> float:
        """Seconds until there is one; 0 when there is now."""
        owed = self._full_at.get(key, 0.0) - self._clock()
        return max(0.0, owed - (self._burst - 1) * self._every)

    def use(self, key: str) -> None:
        """Takes one, whether or not there is one: see `wait`."""
        self._full_at[key] = max(self._full_at.get(key, 0.0), self._clock()) + self._every

    def give_back(self, key: str) -> None:
        """Undoes a `use`."""
        if key in self._full_at:
            self._full_at[key] -= self._every
