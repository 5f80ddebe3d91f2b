"""What has a name or number of its own over the platform, whoever creates at the same time."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected, Unavailable
from libs.domain.events import Event
from libs.domain.ids import StreamId
from libs.eventlog.log import Proposed, WrongVersion
from services.api.append.caller import Caller
from services.api.append.store import VISIBLE_TIMEOUT_SECONDS, Store

_MAX_TRIES = 50


async def append(
    caller: Caller,
    store: Store,
    pattern: str,
    field: str,
    decide: Callable[[], Awaitable[tuple[StreamId, Event]]],
    command: UUID | None,
) -> tuple[StreamId, int]:
    """Appends what `decide` gives, by rows that show every event on the subject `pattern` up to
    now; once more whenever another event came between. Gives its stream and its place.

    `field` is what the caller names the thing by; `command` is what the event is caused by, if that
    has an id.
    """
    context = caller.context
    if command:
        context = msgspec.structs.replace(context, causation=str(command))
    # Copies of this service race for the next event; within one there is no need to.
    async with store.numbering:
        for _ in range(_MAX_TRIES):
            newest = await _caught_up(store, pattern)
            stream, event = await decide()
            proposed = Proposed(stream, newest, event, pattern)
            try:
                return stream, await store.log.append(proposed, context)
            except WrongVersion:
                continue
    raise Rejected("conflict", f"{field}: too many are being created; try again")


async def _caught_up(store: Store, pattern: str) -> int:
    newest = await store.log.last_seq_over(pattern)
    try:
        await store.position.reached(newest, VISIBLE_TIMEOUT_SECONDS)
    except TimeoutError as error:
        raise Unavailable("the views are behind the log") from error
    return newest
