# Made from aio/polling.py by generate.py: change that one, then run this.
"""Waiting for something that the platform does not push: asking again until it is so."""

import time
from collections.abc import Callable
from typing import TypeVar

from rondo.http_transport import sleep

Result = TypeVar("Result")

_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.05, 2.0


def until(poll: Callable[[], Result | None], what: str, timeout: float | None) -> Result:
    """The first result of `poll` that is not None.

    Raises TimeoutError after `timeout` seconds; `what` names the thing in its message.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    pause = _FIRST_PAUSE_SECONDS
    while (result := poll()) is None:
        left = pause if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"{what}: not within {timeout} s")
        sleep(min(pause, left))
        pause = min(1.3 * pause, _MAX_PAUSE_SECONDS)
    return result
