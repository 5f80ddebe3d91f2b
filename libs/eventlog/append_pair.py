"""An event and the one that it leads to, appended in one round trip: see docs/adr/0014."""

import asyncio

from libs.domain.errors import Unavailable
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog, Proposed, WrongVersion

Append = tuple[Proposed, Context]


async def append_pair(log: EventLog, first: Append, then: Append) -> int:
    """Appends `first` and `then` behind it; gives the position of the last one that was appended.

    The context of `first` must give its id. `then` is in the log only if `first` is: the server
    takes it right after that event or not at all, and where another event came between, it is
    appended once more. It may still be missing afterwards, or have been there already. Raises only
    what keeps `first` out: WrongVersion, Unavailable or ApiError.
    """
    position, next_position = await asyncio.gather(
        log.append(*first), log.append(*then, right_after=first[1].id), return_exceptions=True
    )
    if isinstance(position, BaseException):
        raise position
    if isinstance(next_position, int):
        return next_position
    try:
        return await log.append(*then)
    except (WrongVersion, Unavailable):
        return position
