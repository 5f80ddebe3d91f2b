"""Appends for things with a unique name or number, even if several are created at once."""

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
    """Append what `decide` returns; the result is its stream and its position in the log.

    `decide` runs when rows show every event on the subject `pattern` up to now, and again whenever
    another event has come between. `field` is the field of the request that names the thing, for
    messages; `command` is the id of the command, if it has one. Rejected("conflict") after 50
    tries, Unavailable while rows lag.
    """
    context = caller.context
    if command:
        context = msgspec.structs.replace(context, causation=str(command))
    # Copies of this service race for the next event; within one copy the lock avoids the race.
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
