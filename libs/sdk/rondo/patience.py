# Made from aio/patience.py by generate.py: change that one, then run this.
"""Waiting for a fact that the platform has to be asked for."""

import time
from collections.abc import Callable
from typing import TypeVar

from rondo.transport import sleep

Found = TypeVar("Found")

_FIRST, _LONGEST = 0.05, 2.0  # s between two questions


def until(fact: Callable[[], Found | None], what: str, timeout: float | None) -> Found:
    """What `fact` gives once it gives something. TimeoutError after `timeout` seconds."""
    deadline = None if timeout is None else time.monotonic() + timeout
    pause = _FIRST
    while (found := fact()) is None:
        left = pause if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"{what}: not within {timeout} s")
        sleep(min(pause, left))
        pause = min(1.3 * pause, _LONGEST)
    return found
