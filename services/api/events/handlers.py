"""GET /v1/api/events: a page of events, or a stream, by the Accept header."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import msgspec
from aiohttp import web

from libs.domain.errors import Rejected
from libs.domain.event_filter import EventFilter
from libs.eventfeed.cloudevent import CloudEvent
from libs.eventfeed.follow import Batch
from libs.eventlog.envelope import Recorded
from services.api.events import filter_parsing
from services.api.events.permissions import Permit, live
from services.api.http import sse
from services.api.http.errors import STATUS, Error
from services.api.http.request_context import RequestContext
from services.api.http.route import EVENTS

PATH = "/v1/api/events"

_HELLO = b"retry: 1000\n\n"
_BATCH = 500  # events read from the log at once
_MAX_READ = 20_000  # events looked at for a page
_PART_BYTES = 16 << 10


class EventPage(msgspec.Struct, frozen=True):
    """A page of events.

    Give `next` as `after` for the following page. `end` is the last sequence of the log; a page
    whose `next` is `end` is the last one.
    """

    events: list[CloudEvent]
    next: int
    end: int


async def events(context: RequestContext, _: None) -> EventPage | web.StreamResponse:
    query = context.request.query
    filter = filter_parsing.event_filter(query)
    permit = Permit(context, filter)
    if EVENTS not in context.request.headers.get("Accept", ""):
        after, limit = await _start(context) or 0, filter_parsing.limit(query)
        return await _page(context, permit, filter, after, limit)
    if "limit" in query:
        raise Rejected("invalid", "limit: only pages have one; leave it out")
    after_or_now = await _start(context)
    await permit.renew()  # a refusal can still be an answer of its own
    return await sse.send(context.request, _frames(permit, after_or_now), _end)


async def _start(context: RequestContext) -> int | None:
    """The sequence after which to begin; None if the caller does not say."""
    query, log = context.request.query, context.store.log
    instant = filter_parsing.since(query)
    name, after = "after", filter_parsing.after(query)
    if instant is not None:
        after = await log.last_seq_before(instant)
    if last_id := context.request.headers.get(sse.LAST_ID):
        name, after = sse.LAST_ID, filter_parsing.number(sse.LAST_ID, last_id)
    if after and after > (end := await log.end()):
        raise Rejected("invalid", f"{name}: the log ends at {end}; give that, or less")
    return after


async def _page(
    context: RequestContext, permit: Permit, filter: EventFilter, after: int, limit: int
) -> EventPage:
    log = context.store.log
    end = await log.end()
    events: list[CloudEvent] = []
    at_once = min(limit, _BATCH) if filter.types is None else _BATCH
    read = 0
    async with aclosing(log.between(after, end, await permit.subjects(), at_once)) as batches:
        async for batch in batches:
            for event in batch:
                if permit.shows(event):
                    events.append(CloudEvent.of(event))
                    if len(events) == limit:
                        return EventPage(events, event.seq, end)
            read += len(batch)
            if read >= _MAX_READ:
                return EventPage(events, batch[-1].seq, end)
    return EventPage(events, max(after, end), end)


async def _frames(permit: Permit, after: int | None) -> AsyncGenerator[bytes, None]:
    yield _HELLO
    async with aclosing(live(permit, after)) as batches:
        async for batch in batches:
            for part in _parts(batch):
                yield part


def _parts(batch: Batch) -> Iterator[bytes]:
    """Its frames, in parts small enough for a slow line."""
    if not batch.events:
        yield sse.heartbeat(batch.through)
    part = bytearray()
    for event in batch.events:
        part += _frame(event)
        if len(part) >= _PART_BYTES:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


def _frame(event: Recorded) -> bytes:
    cloud_event = CloudEvent.of(event)
    return sse.frame(cloud_event, id=event.seq, event=cloud_event.type)


def _end(refused: Rejected) -> bytes:
    why = Error(STATUS[refused.code], refused.message, refused.code)
    return sse.frame(why, event="end")
