"""Trying again while the infrastructure is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from libs.domain.errors import Unavailable

PATIENCE = 15.0  # seconds

Result = TypeVar("Result")


async def patiently(attempt: Callable[[], Awaitable[Result]], patience: float = PATIENCE) -> Result:
    """Tries again while the server is away, for `patience` seconds; then Unavailable."""
    deadline = asyncio.get_running_loop().time() + patience
    tries = 0
    while True:
        try:
            return await attempt()
        except Unavailable:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await back_off(tries)
        tries += 1


async def back_off(tries: int) -> None:
    """Wait a little longer each time, at most 2 s."""
    await asyncio.sleep(min(0.05 * 2 ** min(tries, 6), 2.0))
