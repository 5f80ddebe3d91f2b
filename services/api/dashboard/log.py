"""The log on the page of a run: a part of it, matches of a search, and new lines, live."""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from aiohttp import web

from libs.domain.errors import Rejected
from libs.domain.run import Run
from libs.domain.run_end import ENDED
from services.api.access import authorize as access
from services.api.dashboard import log_lines
from services.api.dashboard.form_parsing import number, path_id
from services.api.dashboard.log_lines import LogLine
from services.api.dashboard.page_context import HEADERS, PageContext
from services.api.http import sse, streaming
from services.api.http.request_context import RequestContext

LINES = 500  # of a log on a page
FOUND = 200  # of a search
_MOST_TEXT = 200  # characters to search for
_ARRIVING = timedelta(seconds=10)  # after a run's end its last lines may still be on their way
_STILL_ALLOWED = 10.0  # s at most until somebody hears no more of what is closed to them


class Window(NamedTuple):
    """Lines `first` to `end` (without), counted from 0, of `total`; `stored` of them still exist.

    With a `search`, `lines` are those that contain it.
    """

    lines: list[LogLine]
    first: int
    end: int
    total: int
    stored: int
    search: str = ""

    @property
    def missing(self) -> bool:
        """Whether some of its lines are no longer kept."""
        return self.stored < self.total


async def window(context: RequestContext, run: Run) -> Window:
    """The lines for the query: `search`, around a `line`, `from` a line on, or the last ones."""
    query = context.request.query
    text = query.get("search", "")[:_MOST_TEXT]
    total = await _total(context, run)
    if text.strip():
        matches = await context.contents.logs.search(run, text, FOUND)
        lines = [log_lines.parse_match(one) for one in matches]
        return Window(lines, 0, total, total, total, text)
    first = max(total - LINES, 0)
    if line := number(query.get("line", "")):
        first = max(line - 1 - LINES // 2, 0)
    elif begin := number(query.get("from", "")):
        first = begin - 1
    first = min(first, max(total - 1, 0))
    return await _part(context, run, first, total)


async def _part(context: RequestContext, run: Run, first: int, total: int) -> Window:
    part = await context.contents.logs.part(run, first, LINES, _expected(run))
    # While it grows there may be more than was said; of an old log the beginning may be gone.
    end = part.first + len(part.lines) if part.lines else min(first + LINES, total)
    first = end - len(part.lines)
    lines = list(log_lines.window(first, part.lines))
    return Window(lines, first, end, max(total, end), part.stored)


async def _total(context: RequestContext, run: Run) -> int:
    if run.lines is not None:
        return run.lines
    return (await context.contents.logs.part(run, 0, 0, 0)).end


def _expected(run: Run) -> int:
    """How many lines to wait for."""
    if run.lines is None or run.finished_at is None:
        return 0
    return run.lines if datetime.now(UTC) - run.finished_at < _ARRIVING else 0


async def download(visit: PageContext) -> web.StreamResponse:
    """The whole log as a file."""
    context = visit.context
    run = await access.requested_run(context.user, context.store.rows, path_id(visit, "run"), "run")
    async with context.contents.logs.lines(run, None) as source:
        headers = {
            **HEADERS,
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{run.id}.log"',
        }
        return await streaming.send(context.request, headers, source.content.iter_any())


async def follow(visit: PageContext) -> web.StreamResponse:
    """Events with arrays of [number, time, stream, text], with a fifth, its `part`, of a piece of a
    line (loglines.py), then one `end`. `?from=` says how many lines are on the page already."""
    context = visit.context
    run = await access.requested_run(context.user, context.store.rows, path_id(visit, "run"), "run")
    seen = context.request.headers.get(sse.LAST_ID) or context.request.query.get("from", "")
    if run.status in ENDED and run.lines == number(seen):
        return web.Response(status=204, headers=HEADERS)  # a browser does not come again
    return await streaming.send(context.request, sse.HEADERS, _events(visit, run, number(seen)))


async def _events(visit: PageContext, run: Run, seen: int) -> AsyncIterator[bytes]:
    checked = time.monotonic()
    async with aclosing(visit.context.contents.logs.follow(run.id, seen)) as source:
        async for first, lines in source:
            if time.monotonic() - checked >= _STILL_ALLOWED:
                await _check(visit, run)
                checked = time.monotonic()
            shown = [log_lines.parse_line(at, line) for at, line in enumerate(lines, start=first)]
            numbered = [(*one, one.part) if one.part else one for one in shown]
            seen = first + len(lines)
            yield sse.frame(numbered, id=seen) if lines else sse.HEARTBEAT
    yield sse.frame(seen, event="end")


async def _check(visit: PageContext, run: Run) -> None:
    """Rejected if the session has ended meanwhile, or its user may no longer see the run."""
    context = visit.context
    user = await context.identity.sessions.user(visit.secret)
    if user is None:
        raise Rejected("unauthorized", "session: sign in")
    await access.requested_run(user, context.store.rows, run.id, "run")
