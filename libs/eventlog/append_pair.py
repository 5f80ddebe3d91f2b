"""An event and the one that it leads to, on their way together: see docs/adr/0014."""

import asyncio

from libs.domain.errors import Unavailable
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog, Proposed, WrongVersion

Append = tuple[Proposed, Context]


async def append_led(log: EventLog, first: Append, then: Append) -> int:
    """Appends `first`, whose context gives its id, and `then` behind it: the place of the last.

    `then` is in the log only if `first` is, for the server takes it right after that or not at all;
    where something else came between, it is appended again. It may be missing where that fails, or
    have been there: only what keeps `first` from being appended is raised.
    """
    place, next_place = await asyncio.gather(
        log.append(*first), log.append(*then, right_after=first[1].id), return_exceptions=True
    )
    if isinstance(place, BaseException):
        raise place
    if isinstance(next_place, int):
        return next_place
    try:
        return await log.append(*then)
    except (WrongVersion, Unavailable):
        return place
