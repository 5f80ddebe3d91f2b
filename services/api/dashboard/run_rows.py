"""Runs as rows of a list: of an orchestration or a task, of one status or all."""

from typing import Any
from uuid import UUID

from libs.domain.run import BEGUN
from services.api.dashboard.page_context import PageContext
from services.api.dashboard.paging import Paging
from services.api.read_model.runs import runs_shown


async def run_lines(visit: PageContext, paging: Paging, **of: UUID) -> dict[str, Any]:
    """The values for the list of runs (lists.html)."""
    parameter = visit.context.request.query.get("status", "")
    statuses = [status for status in BEGUN if status == parameter]
    runs = await runs_shown(
        visit.context.store.rows,
        statuses=statuses,
        before=paging.before,
        limit=paging.limit,
        **of,  # type: ignore[arg-type]
    )
    return {
        "runs": paging.shown(runs),
        "chosen_status": statuses[0] if statuses else "",
        "statuses": BEGUN,
    }
