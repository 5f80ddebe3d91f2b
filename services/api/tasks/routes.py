"""Tasks over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.api.append import idempotency
from services.api.fields import Created
from services.api.http.request_context import RequestContext
from services.api.http.route import ALWAYS, BY_ID, Route, post
from services.api.tasks import commands, queries, schemas


async def run_once(context: RequestContext, body: schemas.RunTask) -> Created:
    return Created(await commands.run_once(context.caller, context.store, body))


async def run_scheduled(context: RequestContext, body: schemas.RunScheduled) -> schemas.Scheduled:
    return schemas.Scheduled(*await commands.run_scheduled(context.caller, context.store, body))


async def run_continuously(context: RequestContext, body: schemas.RunTask) -> Created:
    return Created(await commands.run_continuously(context.caller, context.store, body))


async def get_by_id(context: RequestContext, body: schemas.TaskById) -> schemas.Task:
    row = await queries.one(context.user, context.store.rows, body.id, body.run_limit)
    return schemas.Task.of(row)


async def list_tasks(context: RequestContext, body: schemas.ListTasks) -> list[schemas.Task]:
    rows = await queries.listed(context.user, context.store.rows, body)
    return [schemas.Task.of(row) for row in rows]


async def by_sha(context: RequestContext, body: schemas.TasksBySha) -> schemas.TaskIds:
    return schemas.TaskIds(await queries.ids_of_sha(context.user, context.store.rows, body.sha))


async def kill(context: RequestContext, body: schemas.KillTask) -> schemas.Task:
    row = await commands.kill(context.caller, context.store, body.id, body.keep_logs)
    return schemas.Task.of(row)


async def pause(context: RequestContext, body: schemas.PauseTask) -> schemas.Task:
    change = commands.pause if body.pause else commands.resume
    return schemas.Task.of(await change(context.caller, context.store, body.id))


def _run(
    path: str,
    handler: Callable[[RequestContext, Any], Awaitable[Any]],
    body: Any,
    how: str,
    answer: type[Created] = Created,
) -> Route:
    return post(
        f"task/{path}",
        handler,
        body,
        answer,
        summary=f"Run an orchestration {how}.",
        status=201,
        errors=(*BY_ID, 409),
        aliases=(f"/v1/api/orchestration/task/{path}",),
        headers=(idempotency.HEADER,),
        machines=True,
    )


TASK_ROUTES = (
    _run("run_once", run_once, schemas.RunTask, "once"),
    _run("run_scheduled", run_scheduled, schemas.RunScheduled, "on a schedule", schemas.Scheduled),
    _run("run_continuously", run_continuously, schemas.RunTask, "again and again"),
    post(
        "task/get_by_id",
        get_by_id,
        schemas.TaskById,
        schemas.Task,
        summary="One task, with its last runs.",
        machines=True,
    ),
    post(
        "task/list",
        list_tasks,
        schemas.ListTasks,
        list[schemas.Task],
        summary="Tasks, newest first.",
        machines=True,
    ),
    post(
        "task/get_tasks_by_orch_sha",
        by_sha,
        schemas.TasksBySha,
        schemas.TaskIds,
        summary="The tasks of every upload of the same bytes, newest first.",
        errors=ALWAYS,
        machines=True,
    ),
    post(
        "task/kill",
        kill,
        schemas.KillTask,
        schemas.Task,
        summary="Stop a task for good, with all that runs of it.",
        status=202,
        machines=True,
    ),
    post(
        "task/pause",
        pause,
        schemas.PauseTask,
        schemas.Task,
        summary="Pause or resume a task's schedule.",
        status=202,
        errors=(*BY_ID, 409),
        machines=True,
    ),
)
