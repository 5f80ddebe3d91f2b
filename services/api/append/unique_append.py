"""What has a name or number of its own over the platform, whoever creates at the same time."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected, Unavailable
from libs.domain.events import Event
from libs.domain.ids import StreamId
from libs.eventlog.log import Proposed, WrongVersion
from services.api.http.request_context import VISIBLE_WITHIN, RequestContext

_TRIES = 50


async def append(
    call: RequestContext,
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
    context = call.context
    if command:
        context = msgspec.structs.replace(context, causation=str(command))
    # Copies of this service race for the next event; within one there is no need to.
    async with call.resources.numbering:
        for _ in range(_TRIES):
            newest = await _caught_up(call, pattern)
            stream, event = await decide()
            proposed = Proposed(stream, newest, event, pattern)
            try:
                return stream, await call.resources.log.append(proposed, context)
            except WrongVersion:
                continue
    raise Rejected("conflict", f"{field}: too many are being created; try again")


async def _caught_up(call: RequestContext, pattern: str) -> int:
    newest = await call.resources.log.last_seq_over(pattern)
    try:
        await call.resources.position.reached(newest, VISIBLE_WITHIN)
    except TimeoutError as error:
        raise Unavailable("the views are behind the log") from error
    return newest
