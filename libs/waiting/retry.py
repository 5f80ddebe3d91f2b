"""Trying again while the infrastructure is away, ever more slowly."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from libs.domain.errors import Unavailable

TIMEOUT_SECONDS = 15.0
FIRST_PAUSE_SECONDS = 0.05
MAX_PAUSE_SECONDS = 2.0

Result = TypeVar("Result")


async def retry(
    attempt: Callable[[], Awaitable[Result]],
    timeout: float | None = TIMEOUT_SECONDS,
    *,
    max_pause: float = MAX_PAUSE_SECONDS,
    on_failure: Callable[[Unavailable], None] = lambda problem: None,
) -> Result:
    """Awaits `attempt()` until it raises no Unavailable; gives what it gives.

    Raises the last Unavailable once `timeout` seconds have passed; None means never. Any other
    exception is raised at once. `on_failure` gets each Unavailable that is followed by a try.
    """
    loop = asyncio.get_running_loop()
    deadline = None if timeout is None else loop.time() + timeout
    failures = 0
    while True:
        try:
            return await attempt()
        except Unavailable as problem:
            if deadline is not None and loop.time() > deadline:
                raise
            on_failure(problem)
        await back_off(failures, max_pause)
        failures += 1


async def back_off(failures: int, max_pause: float = MAX_PAUSE_SECONDS) -> None:
    """The pause after so many failures in a row before this one: 50 ms, twice as long each time,
    at most `max_pause` seconds."""
    await asyncio.sleep(min(FIRST_PAUSE_SECONDS * 2 ** min(failures, 16), max_pause))
