"""GET /v1/api/events: a page of events, or all that come, by what the caller accepts."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import aclosing

import msgspec
from aiohttp import web

from libs.domain.errors import Rejected, Unavailable
from libs.domain.event_filter import EventFilter
from libs.eventfeed.cloudevent import CloudEvent
from libs.eventfeed.follow import Batch
from libs.eventlog.envelope import Recorded
from services.api.events import filter_parsing
from services.api.events.permissions import Permit, live
from services.api.http.errors import STATUS, Error
from services.api.http.request_context import RequestContext
from services.api.http.route import EVENTS

logger = logging.getLogger(__name__)

PATH = "/v1/api/events"
LAST_ID = "Last-Event-ID"

_HEADERS = {"Content-Type": EVENTS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_HELLO = b"retry: 1000\n\n"
_MOST_READ = 20_000  # events looked at for a page
_PART = 16 << 10  # bytes
_MOST_PATIENCE = 60.0  # seconds that a subscriber may take over a part


class EventPage(msgspec.Struct, frozen=True):
    """Up to `next` there is no more of what was asked for: give it as `after` for the page that
    follows. `end` is the last sequence of the log; a page whose `next` is that was the last."""

    events: list[CloudEvent]
    next: int
    end: int


async def events(context: RequestContext, _: None) -> EventPage | web.StreamResponse:
    query = context.request.query
    asked = filter_parsing.event_filter(query)
    permit = Permit(context, asked)
    if EVENTS not in context.request.headers.get("Accept", ""):
        return await _page(
            context, permit, asked, await _start(context) or 0, filter_parsing.limit(query)
        )
    if "limit" in query:
        raise Rejected("invalid", "limit: only pages have one; leave it out")
    return await _stream(context, permit, await _start(context))


async def _start(context: RequestContext) -> int | None:
    """What the caller has had already; None when they do not say."""
    query, log = context.request.query, context.store.log
    instant = filter_parsing.since(query)
    name, after = "after", filter_parsing.after(query)
    if instant is not None:
        after = await log.last_seq_before(instant)
    if last_id := context.request.headers.get(LAST_ID):
        name, after = LAST_ID, filter_parsing.number(LAST_ID, last_id)
    if after and after > (end := await log.end()):
        raise Rejected("invalid", f"{name}: the log ends at {end}; give that, or less")
    return after


async def _page(
    context: RequestContext, permit: Permit, asked: EventFilter, after: int, limit: int
) -> EventPage:
    log = context.store.log
    end = await log.end()
    found: list[CloudEvent] = []
    most = min(limit, 500) if asked.types is None else 500
    read = 0
    async with aclosing(log.between(after, end, await permit.subjects(), most)) as batches:
        async for batch in batches:
            for event in batch:
                if permit.shows(event):
                    found.append(CloudEvent.of(event))
                    if len(found) == limit:
                        return EventPage(found, event.seq, end)
            read += len(batch)
            if read >= _MOST_READ:
                return EventPage(found, batch[-1].seq, end)
    return EventPage(found, max(after, end), end)


async def _stream(context: RequestContext, permit: Permit, after: int | None) -> web.StreamResponse:
    await permit.renew()  # a refusal can still be an answer of its own
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(context.request)
    await response.write(_HELLO)
    try:
        async with aclosing(live(permit, after)) as pieces:
            async for piece in pieces:
                for part in _parts(piece):
                    async with asyncio.timeout(_MOST_PATIENCE):
                        await response.write(part)
    except Rejected as refused:
        await response.write(_end(Error(STATUS[refused.code], refused.message, refused.code)))
    except ConnectionError:
        pass  # the subscriber has left
    except (Unavailable, TimeoutError) as problem:
        logger.info("events for %s break off: %r", context.user.id, problem)
        if context.request.transport is not None:
            context.request.transport.abort()
    return response


def _parts(piece: Batch) -> Iterator[bytes]:
    """What is sent of it, in parts that a slow line takes in good time.

    When there is nothing to say: a comment, and how far the subscriber may call it complete.
    """
    if not piece.events:
        yield b": still here\nid: %d\n\n" % piece.through
    part = bytearray()
    for event in piece.events:
        part += _frame(event)
        if len(part) >= _PART:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


def _frame(event: Recorded) -> bytes:
    told = CloudEvent.of(event)
    data = msgspec.json.encode(told)
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.seq, told.type.encode(), data)


def _end(why: Error) -> bytes:
    return b"event: end\ndata: %s\n\n" % msgspec.json.encode(why)
