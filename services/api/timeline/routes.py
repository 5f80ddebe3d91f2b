"""The timeline over HTTP."""

from datetime import UTC, datetime, timedelta

from libs.domain.errors import Rejected
from services.api import text
from services.api.http.request_context import RequestContext
from services.api.http.route import Route
from services.api.timeline import queries
from services.api.timeline.schemas import Timeline


async def show(context: RequestContext, _: None) -> Timeline:
    query, now = context.request.query, datetime.now(UTC)
    workspace = text.number(query.get("workspace_id", ""))
    if workspace is None:
        raise Rejected("invalid", "workspace_id: give the number of a workspace")
    end = _instant("end", query.get("end", ""), now)
    start = _instant("start", query.get("start", ""), end - timedelta(days=1))
    return await queries.timeline(context.user, context.store.rows, workspace, start, end)


def _instant(field: str, value: str, default: datetime) -> datetime:
    if not value:
        return default
    instant = text.instant(value)
    if instant is None:
        raise Rejected("invalid", f"{field}: give an instant such as 2026-11-22T10:00:00Z")
    return instant


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
