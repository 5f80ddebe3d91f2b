"""Logging in with a password, ever more slowly for who guesses, and for nobody else.

Three bounds. A name from an address that fails waits longer each time. An address that tries other
names, and a name that is tried from other addresses, have an allowance of failures a minute; who
has logged in from that address before is not held to these two, so somebody who guesses next to
them, or at their name from elsewhere, does not lock them out.
"""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.cache.bounded import BoundedCache
from libs.identity.bounds import Allowance, Key, Throttle
from libs.identity.turns import Busy
from libs.identity.users import User, Users

_MAX_KNOWN = 10_000
_MAX_QUEUE = 64  # tries with one name from one address
_MAX_STRANGERS = 8  # at once, from one address
_PER_ADDRESS = (30, 1.0)  # failures at once, then one every so many seconds
_PER_NAME = (30, 10.0)


class TooSoon(Exception):
    """Nothing was tried. `seconds` is how long to wait before the next try."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many failed logins; try again in {seconds} s")
        self.seconds = seconds


class Login:
    def __init__(self, users: Users, throttle: Throttle | None = None) -> None:
        self._users = users
        self._throttle = throttle or Throttle()
        self._addresses = Allowance(*_PER_ADDRESS)
        self._names = Allowance(*_PER_NAME)
        self._known: BoundedCache[Key, None] = BoundedCache(_MAX_KNOWN)
        self._queues: dict[Key, _Queue] = {}
        self._strangers: Counter[str] = Counter()

    async def __call__(self, name: str, password: str, address: str) -> User | None:
        """The user, or None when name and password don't go together.

        `address` is the caller's, as bounds count it. Raises TooSoon, without a try, after many
        failures or while too many tries wait.
        """
        key = (name.casefold(), address)
        async with self._alone(key):  # so that tries made at once count one after the other
            self._check(key)
            try:
                user = await self._try(key, name, password)
            except Busy:
                raise TooSoon(1) from None
            if user is None:
                self._throttle.failed(key)
            else:
                self._succeeded(key)
        return user

    def _check(self, key: Key) -> None:
        wait = self._throttle.wait(key)
        if key not in self._known:
            wait = max(wait, self._names.wait(key[0]), self._addresses.wait(key[1]))
        if wait:
            raise TooSoon(math.ceil(wait))

    async def _try(self, key: Key, name: str, password: str) -> User | None:
        if key in self._known:
            return await self._users.with_password(name, password)
        async with self._among_strangers(key[1]):
            return await self._try_as_stranger(key, name, password)

    @asynccontextmanager
    async def _among_strangers(self, address: str) -> AsyncIterator[None]:
        if self._strangers[address] >= _MAX_STRANGERS:
            raise Busy
        self._strangers[address] += 1
        try:
            yield
        finally:
            self._strangers[address] -= 1
            self._strangers += Counter()  # forgets the addresses of nobody

    async def _try_as_stranger(self, key: Key, name: str, password: str) -> User | None:
        taken = ((self._names, key[0]), (self._addresses, key[1]))
        for allowance, whose in taken:
            allowance.use(whose)
        user = None
        try:
            user = await self._users.with_password(name, password, known=False)
        except Busy:
            _give_back(taken)
            raise
        if user is not None:
            _give_back(taken)
        return user

    def _succeeded(self, key: Key) -> None:
        self._throttle.succeeded(key)
        self._known[key] = None

    @asynccontextmanager
    async def _alone(self, key: Key) -> AsyncIterator[None]:
        queue = self._queues.setdefault(key, _Queue())
        if queue.length >= _MAX_QUEUE:
            raise TooSoon(1)
        queue.length += 1
        try:
            async with queue.lock:
                yield
        finally:
            queue.length -= 1
            if not queue.length:
                self._queues.pop(key, None)


class _Queue:
    """Tries with one name from one address, which are made one after the other."""

    def __init__(self) -> None:
        self.length = 0
        self.lock = asyncio.Lock()


def _give_back(taken: tuple[tuple[Allowance, str], ...]) -> None:
    for allowance, whose in taken:
        allowance.give_back(whose)
