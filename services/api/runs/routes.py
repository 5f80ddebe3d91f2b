"""Task runs over HTTP: what has begun, how it went, and what it printed."""

from aiohttp import web

from services.api.access import authorize as access
from services.api.http import streaming
from services.api.http.request_context import RequestContext
from services.api.http.route import post
from services.api.runs import queries, schemas
from services.api.runs.live_log import LOG_ROUTES


async def list_runs(context: RequestContext, body: schemas.ListRuns) -> list[schemas.TaskRun]:
    runs = await queries.listed(context.user, context.store.rows, body)
    return [schemas.TaskRun.seen(state) for state in runs]


async def details(context: RequestContext, body: schemas.RunDetails) -> schemas.TaskRunDetails:
    state = await queries.one(context.user, context.store.rows, body.pod_id, body.task)
    return schemas.TaskRunDetails.of(state)


async def logs(context: RequestContext, body: schemas.RunLogs) -> web.StreamResponse:
    state = await access.run(context.user, context.store.rows, body.id, "id")
    async with context.contents.logs.lines(state, body.lines) as answer:
        return await streaming.send_lines(context.request, state, answer)


RUN_ROUTES = (
    post(
        "task/list_task_runs",
        list_runs,
        schemas.ListRuns,
        list[schemas.TaskRun],
        summary="A task's runs, the last to change first.",
        machines=True,
    ),
    post(
        "task/get_run_details",
        details,
        schemas.RunDetails,
        schemas.TaskRunDetails,
        summary="One run, and how it ended.",
        machines=True,
    ),
    post(
        "task/get_logs_for_run",
        logs,
        schemas.RunLogs,
        schemas.Logs,
        summary="What a run has printed, a stamped line each.",
        machines=True,
    ),
    *LOG_ROUTES,
)
