"""What a page hears when something of its own has happened: "changed", and nothing more.

The browser then fetches the page again, so what is shown goes one way only, and is authorised in
one place. A page on which nothing happens costs a sign of life every few seconds.
"""

import asyncio
from contextlib import aclosing

from aiohttp import web

from libs.domain.errors import Rejected, Unavailable
from services.api.dashboard.visit import Visit
from services.api.events import parse
from services.api.events.follow import Piece
from services.api.events.permit import Permit, live
from services.api.identity.users import User

_LAST_ID = "Last-Event-ID"
_PATIENCE = 60.0  # seconds that a browser may take none of what is sent
_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # a proxy in between passes on what there is
}


def address(visit: Visit, *aggregates: str) -> str:
    """For `visit.page(live=...)`: what happens in the workspace to things of these kinds, or to
    single ones (`task:<id>`), after what the page shows."""
    if visit.workspace is None:
        return ""
    about = "".join(f"&aggregate={one}" for one in aggregates)
    return f"/live?workspace={visit.workspace.id}{about}&after={visit.seq}"


async def changes(visit: Visit) -> web.StreamResponse:
    request = visit.call.request

    async def still() -> User:
        user = await visit.call.resources.sessions.user(visit.secret)
        if user is None:
            raise Rejected("unauthorized", "session: it has ended; sign in again")
        return user

    last = request.headers.get(_LAST_ID)
    after = parse.number(_LAST_ID, last) if last else parse.after(request.query)
    permit = Permit(visit.call, parse.asked(request.query), still)
    await permit.renew()
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    try:
        async with aclosing(live(permit, after)) as pieces:
            async for piece in pieces:
                async with asyncio.timeout(_PATIENCE):
                    await response.write(_said(piece))
    except Rejected:
        await response.write(b"event: end\ndata:\n\n")
    except (Unavailable, TimeoutError, ConnectionError):
        if request.transport is not None:
            request.transport.abort()
    return response


def _said(piece: Piece) -> bytes:
    event = b"event: changed\ndata:\n" if piece.events else b": still here\n"
    return event + b"id: %d\n\n" % piece.through
