"""Task runs: what has begun, how it went, and what it printed."""

from aiohttp import web

from libs.domain.errors import Rejected
from services.api import requests, wire
from services.api.access import authorize as access
from services.api.http.request_context import RequestContext
from services.api.read_model.runs import run_page
from services.api.runs import log_client


async def list_runs(call: RequestContext, body: requests.ListRuns) -> list[wire.TaskRun]:
    """The last to change first."""
    rows = call.resources.rows
    await access.task(call, rows, body.task_id, field="task_id")
    status = None if body.status == "all" else body.status
    before = await access.before(rows, "run", body.before)
    limit = body.limit or requests.MOST_RUNS
    found = await run_page(rows, body.task_id, status, limit, before)
    return [wire.TaskRun.seen(state) for state in found]


async def details(call: RequestContext, body: requests.RunDetails) -> wire.TaskRunDetails:
    state = await access.run(call, call.resources.rows, body.pod_id, "pod_id")
    if state.task != body.task:
        raise Rejected("not_found", f"task: run {state.id} is one of task {state.task}")
    return wire.TaskRunDetails.of(state)


async def logs(call: RequestContext, body: requests.RunLogs) -> web.StreamResponse:
    state = await access.run(call, call.resources.rows, body.id, "id")
    async with log_client.lines(call.resources, state, body.lines) as answer:
        return await log_client.stream(call.request, state, answer)
