"""The whole log of a run: as server-sent events while it grows, or as a file."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from uuid import UUID

import msgspec
from aiohttp import web

from libs.domain import run
from libs.domain.errors import Rejected, Unavailable
from libs.domain.run_end import ENDED
from services.api.access import authorize as access
from services.api.append.store import VISIBLE_TIMEOUT_SECONDS
from services.api.http import sse, streaming
from services.api.http.authentication import authenticated
from services.api.http.request_context import RequestContext
from services.api.http.route import EVENTS, TEXT, Route
from services.api.read_model import run_logs
from services.api.text import number

_STILL_ALLOWED = 10.0  # s at most until somebody hears no more of what is closed to them


class Ended(msgspec.Struct):
    """The last event, `end`: how the run ended, and how many lines it has written. `complete` is
    whether they were all sent, and none is missing: logs are deleted with their task, or when they
    are too old."""

    status: str
    lines: int | None
    complete: bool


async def download(context: RequestContext, _: None) -> web.StreamResponse:
    """The stamped lines as a file."""
    state = await access.run(context.user, context.store.rows, _asked_for(context), "run")
    async with context.contents.logs.lines(state, None) as source:
        headers = {
            "Content-Type": f"{TEXT}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{state.id}.log"',
            "X-Content-Type-Options": "nosniff",
            "Rondo-Complete": str(run_logs.complete(state, source)).lower(),
        }
        return await streaming.send(context.request, headers, source.content.iter_any())


async def follow(context: RequestContext, _: None) -> web.StreamResponse:
    """Each event has the stamped lines that came together; its id is the number of the last."""
    state = await access.run(context.user, context.store.rows, _asked_for(context), "run")
    seen = _number(sse.LAST_ID, context.request.headers)
    last = _number("last", context.request.query)
    if seen is None:
        seen = 0 if last is None else max(await _end(context, state) - last, 0)
    return await streaming.send(context.request, sse.HEADERS, _events(context, state.id, seen))


async def _end(context: RequestContext, state: run.Run) -> int:
    """How many lines exist already, including those that are no longer kept."""
    return (await context.contents.logs.part(state, 0, 0, state.lines or 0)).end


async def _events(context: RequestContext, id: UUID, seen: int) -> AsyncIterator[bytes]:
    checked = time.monotonic()
    async with aclosing(context.contents.logs.follow(id, seen)) as source:
        async for first, lines in source:
            if time.monotonic() - checked >= _STILL_ALLOWED:
                await _check(context, id)
                checked = time.monotonic()
            seen = first + len(lines)
            yield sse.frame(lines, id=seen) if lines else sse.HEARTBEAT
    yield sse.frame(await _ended(context, id, seen), event="end")


async def _check(context: RequestContext, id: UUID) -> run.Run:
    """Rejected if the token has expired meanwhile, or its user may no longer see the run."""
    user = await authenticated(context.resources, context.request)
    return await access.run(user, context.store.rows, id, "run")


async def _ended(context: RequestContext, id: UUID, seen: int) -> Ended:
    """The logs service may know of the end before our views do."""
    position, log = context.store.position, context.store.log
    await position.reached(await log.end(), VISIBLE_TIMEOUT_SECONDS)
    state = await _check(context, id)
    if state.status not in ENDED:
        raise Unavailable(f"the log of run {id} has ended before the run")
    stored = (await context.contents.logs.part(state, 0, 0, 0)).stored
    return Ended(state.status, state.lines, state.lines == seen == stored)


def _asked_for(context: RequestContext) -> UUID:
    try:
        return UUID(context.request.match_info["run"])
    except ValueError:
        raise Rejected("invalid", "run: give a run's id, which is a UUID") from None


def _number(name: str, source: Mapping[str, str]) -> int | None:
    """A number of lines, from a header or the query."""
    text = source.get(name, "")
    if not text:
        return None
    if (lines := number(text)) is None:
        raise Rejected(
            "invalid", f"{name}: {text[:40]!r} is no number of lines; give one such as 100"
        )
    return lines


LOG_ROUTES = (
    Route(
        "GET",
        "/v1/api/task/run/{run}/follow",
        follow,
        None,
        str,
        "A run's log as it grows, all of it or from its `last` lines on: events with a JSON array"
        " of stamped lines, numbered by the last of them, then one `end`.",
        query=("last",),
        answer_media=EVENTS,
        headers=(sse.LAST_ID,),
        machines=True,
    ),
    Route(
        "GET",
        "/v1/api/task/run/{run}/log",
        download,
        None,
        str,
        "All that a run has printed, as text, a stamped line each.",
        answer_media=TEXT,
        machines=True,
    ),
)
