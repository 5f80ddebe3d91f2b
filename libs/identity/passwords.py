"""Passwords as argon2id hashes: the only file that imports argon2."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from libs.identity.turns import Turns


class Passwords:
    """A hash takes 64 MiB and a tenth of a second of every core: in threads, each in its turn.

    Raises Busy (identity/turns.py) for who is not `known`, when too many wait.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turns = Turns()

    async def hash(self, password: str, *, known: bool = True) -> str:
        """In the PHC string format."""
        async with self._turns.taken(known=known):
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, hash: str, password: str, *, known: bool = True) -> bool:
        """Whether `hash` is of `password`; False too where it is no hash."""
        async with self._turns.taken(known=known):
            return await asyncio.to_thread(self._matches, hash, password)

    def _matches(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except (VerificationError, InvalidHashError):
            return False
