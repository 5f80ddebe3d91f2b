"""Server-sent events: answers that go on as long as new events come."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec
from aiohttp import web

from libs.domain.errors import Rejected, Unavailable
from services.api.http.route import EVENTS

logger = logging.getLogger(__name__)

LAST_ID = "Last-Event-ID"
HEADERS = {
    "Content-Type": EVENTS,
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # a proxy in between passes on what there is
}
HEARTBEAT = b": \n\n"
MAX_WRITE_SECONDS = 60.0  # that a reader may take none of what is sent


def frame(data: object, *, id: int | None = None, event: str = "") -> bytes:
    """The bytes of one event. A reader that comes back sends the last `id` that it had."""
    fields = [f"id: {id}"] if id is not None else []
    fields += [f"event: {event}"] if event else []
    head = "".join(f"{field}\n" for field in fields).encode()
    return b"%sdata: %s\n\n" % (head, msgspec.json.encode(data))


def heartbeat(id: int) -> bytes:
    """A comment, not an event: the reader has everything up to this id."""
    return b": still here\nid: %d\n\n" % id


async def send(
    request: web.Request,
    frames: AsyncGenerator[bytes, None],
    end: Callable[[Rejected], bytes],
) -> web.StreamResponse:
    """Send `frames` until they end.

    If they raise Rejected, the last frame is what `end` makes of it. If they raise Unavailable, or
    the reader takes nothing for too long, the connection breaks off.
    """
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    try:
        async with aclosing(frames):
            async for one in frames:
                async with asyncio.timeout(MAX_WRITE_SECONDS):
                    await response.write(one)
    except Rejected as refused:
        await response.write(end(refused))
    except ConnectionError:
        pass  # the reader has left
    except (Unavailable, TimeoutError) as problem:
        logger.info("events for %s break off: %r", request.remote, problem)
        if request.transport is not None:
            request.transport.abort()
    return response
