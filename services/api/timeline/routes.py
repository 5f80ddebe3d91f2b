"""The timeline over HTTP."""

from datetime import UTC, datetime, timedelta

from libs.domain.errors import Rejected
from services.api.http.request_context import RequestContext
from services.api.http.route import Route
from services.api.timeline import queries
from services.api.timeline.schemas import Timeline


async def show(context: RequestContext, _: None) -> Timeline:
    query, now = context.request.query, datetime.now(UTC)
    text = query.get("workspace_id", "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Rejected("invalid", "workspace_id: give the number of a workspace")
    end = _instant("end", query.get("end", ""), now)
    start = _instant("start", query.get("start", ""), end - timedelta(days=1))
    return await queries.timeline(context.user, context.store.rows, int(text), start, end)


def _instant(field: str, text: str, default: datetime) -> datetime:
    if not text:
        return default
    try:
        given = datetime.fromisoformat(text.replace(" ", "+"))
        return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Rejected(
            "invalid", f"{field}: give an instant such as 2026-11-22T10:00:00Z"
        ) from None


TIMELINE_ROUTES = (
    Route(
        "GET",
        "/v1/api/timeline",
        show,
        None,
        Timeline,
        "What ran when in a workspace, and what is to come: a lane a task.",
        query=("workspace_id", "start", "end"),
    ),
)
