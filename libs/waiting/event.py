"""Waiting for an event, at most so long."""

import asyncio
from contextlib import suppress


async def set_within(event: asyncio.Event, timeout: float | None) -> bool:
    """Waits for `event`; whether it is set after at most `timeout` seconds. None waits for ever.

    Not asyncio.wait_for, which in Python 3.11 can swallow a cancellation.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            await event.wait()
    return event.is_set()
