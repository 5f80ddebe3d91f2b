"""The stream that tells a page that something of it has changed, and nothing more.

The browser then fetches the page again, so what is shown goes one way only, and is authorised in
one place. A page on which nothing happens costs a sign of life every few seconds.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web
from multidict import MultiDict

from libs.domain.errors import Rejected
from libs.identity.users import User
from services.api.dashboard.change_filter import Concern
from services.api.dashboard.page_context import PageContext
from services.api.events import filter_parsing
from services.api.events.permissions import Permit, live
from services.api.http import sse

_ABOUT = "about"


def address(visit: PageContext, *aggregates: str, about: UUID | None = None) -> str:
    """For `visit.page(live=...)`: what happens in the workspace to things of these kinds, or to
    single ones (`task:<id>`), after what the page shows; all of it, or only what is `about` one
    workload or task."""
    if visit.workspace is None:
        return ""
    kinds = [("aggregate", one) for one in aggregates]
    query = [("workspace", visit.workspace.id), *kinds, ("after", visit.seq)]
    return "/live?" + urlencode([*query, (_ABOUT, about)] if about else query, safe=":")


async def changes(visit: PageContext) -> web.StreamResponse:
    request = visit.context.request

    async def still() -> User:
        user = await visit.context.identity.sessions.user(visit.secret)
        if user is None:
            raise Rejected("unauthorized", "session: it has ended; sign in again")
        return user

    query = MultiDict(request.query)
    concern = Concern(visit.context.store.rows, _about(query.pop(_ABOUT, "")))
    last = request.headers.get(sse.LAST_ID)
    after = filter_parsing.number(sse.LAST_ID, last) if last else filter_parsing.after(query)
    permit = Permit(visit.context, filter_parsing.event_filter(query), still)
    await permit.renew()
    return await sse.send(request, _frames(permit, after, concern), _end)


async def _frames(
    permit: Permit, after: int | None, concern: Concern
) -> AsyncGenerator[bytes, None]:
    async with aclosing(live(permit, after)) as batches:
        async for batch in batches:
            if await concern.any(batch.events):
                yield b"id: %d\nevent: changed\ndata:\n\n" % batch.through
            else:
                yield sse.heartbeat(batch.through)


def _end(_: Rejected) -> bytes:
    return b"event: end\ndata:\n\n"


def _about(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Rejected("invalid", "about: give the id of a workload or a task") from None
