"""The routes of event subscriptions."""

from services.api.events import serve
from services.api.events.parse import NAMES
from services.api.route import BY_ID, Route

EVENT_ROUTES = (
    Route(
        "GET",
        serve.PATH,
        serve.events,
        None,
        serve.EventPage,
        "Events as a page; with `Accept: text/event-stream` as they come, each with its sequence"
        " as its id.",
        errors=BY_ID,
        query=NAMES,
        headers=(serve.LAST_ID,),
    ),
)
