"""Passwords as argon2id hashes: the only file that imports argon2."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Passwords:
    """A hash takes 64 MiB and a tenth of a second of every core: one at a time, in a thread."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turn = asyncio.Lock()

    async def hashed(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, hash: str, password: str) -> bool:
        async with self._turn:
            return await asyncio.to_thread(self._matches, hash, password)

    def _matches(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except (VerificationError, InvalidHashError):
            return False
