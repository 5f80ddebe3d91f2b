"""Histories over HTTP."""

from services.api.history import queries
from services.api.history.schemas import Chain, History
from services.api.http.request_context import RequestContext
from services.api.http.route import Route


async def show(context: RequestContext, _: None) -> History:
    """The history of a thing. `?at=` is an instant or a sequence; without it the state is that of
    now."""
    path, at = context.request.match_info, context.request.query.get("at", "")
    users = context.identity.users
    return await queries.history(
        context.user, context.store, users, path["aggregate"], path["id"], at
    )


async def led_to(context: RequestContext, _: None) -> Chain:
    run, users = context.request.match_info["id"], context.identity.users
    return await queries.chain(context.user, context.store, users, run)


HISTORY_ROUTES = (
    Route(
        "GET",
        "/v1/api/history/{aggregate}/{id}",
        show,
        None,
        History,
        "All events of a thing, which a user may see, and its state then.",
        query=("at",),
    ),
    Route(
        "GET",
        "/v1/api/history/run/{id}/causes",
        led_to,
        None,
        Chain,
        "The events that led to a run, from the request on.",
    ),
)
