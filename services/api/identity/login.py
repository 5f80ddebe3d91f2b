"""Logging in with a password, ever more slowly for who guesses."""

import asyncio
import math
import time
from collections.abc import Callable

from services.api.identity.users import User, Users

FREE_FAILURES = 5
LONGEST_WAIT = 300.0
_MOST_KEYS = 10_000

Key = tuple[str, str]  # account and address


class TooSoon(Exception):
    """Nothing was tried. `seconds` says how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many failed logins; try again in {seconds} s")
        self.seconds = seconds


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


class Login:
    def __init__(self, users: Users, throttle: Throttle | None = None) -> None:
        self._users = users
        self._throttle = throttle or Throttle()
        self._turn = asyncio.Lock()

    async def __call__(self, name: str, password: str, address: str) -> User | None:
        """None when name and password don't go together; TooSoon after many failures."""
        key = (name.casefold(), address)
        self._check(key)
        async with self._turn:  # so that tries made at once count one after the other
            self._check(key)
            user = await self._users.with_password(name, password)
            if user is None:
                self._throttle.failed(key)
            else:
                self._throttle.succeeded(key)
        return user

    def _check(self, key: Key) -> None:
        seconds = math.ceil(self._throttle.wait(key))
        if seconds:
            raise TooSoon(seconds)
