"""Passwords as argon2id hashes: the only file that imports argon2.

A hash takes 64 MiB and a tenth of a second of every core, so there is one at a time, in a thread.
"""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()
_one_at_a_time = asyncio.Semaphore(1)


async def hashed(password: str) -> str:
    async with _one_at_a_time:
        return await asyncio.to_thread(_hasher.hash, password)


async def matches(hash: str, password: str) -> bool:
    async with _one_at_a_time:
        return await asyncio.to_thread(_matches, hash, password)


def _matches(hash: str, password: str) -> bool:
    try:
        return _hasher.verify(hash, password)
    except (VerificationError, InvalidHashError):
        return False
