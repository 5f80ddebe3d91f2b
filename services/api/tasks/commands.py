"""Tasks: orders to run an orchestration, what became of them, and stopping them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from libs.domain import schedule as schedules
from libs.domain import task
from libs.domain.errors import Rejected
from libs.domain.events import Kind, Retry, RunRequested, Schedule, TaskCreated, TaskEvent
from libs.domain.history import fold
from libs.domain.ids import StreamId, run_id, run_stream, task_stream
from libs.eventlog.append_pair import append_led
from libs.eventlog.envelope import Context
from libs.eventlog.log import Proposed
from libs.eventlog.transact import transact
from services.api import requests, wire
from services.api.access import authorize as access
from services.api.append import idempotency
from services.api.http.request_context import RequestContext
from services.api.read_model.orchestrations import orchestrations_of_sha
from services.api.read_model.row_types import Rows
from services.api.read_model.tasks import task_ids_of_sha, task_page

MOST_ARGUMENTS = 256 << 10  # bytes as JSON; they travel in an event
DEEPEST_ARGUMENTS = 100


async def run_once(call: RequestContext, body: requests.RunTask) -> wire.Created:
    return await _create(call, body, "once")


async def run_scheduled(call: RequestContext, body: requests.RunScheduled) -> wire.Scheduled:
    schedule = Schedule(
        expression=body.schedule,
        zone=body.zone,
        misfire=body.misfire,
        misfire_cap=body.misfire_cap,
        overlap=body.overlap,
    )
    created = await _create(call, body, "scheduled", schedule)
    return wire.Scheduled(created.id, schedules.upcoming(schedule, datetime.now(UTC)))


async def run_continuously(call: RequestContext, body: requests.RunTask) -> wire.Created:
    return await _create(call, body, "continuous")


async def _create(
    call: RequestContext, body: requests.RunTask, kind: Kind, schedule: Schedule | None = None
) -> wire.Created:
    rows, log = call.resources.rows, call.resources.log
    orchestration = await access.orchestration(call, rows, body.orch_id, "orch_id")
    if body.workspace_id != orchestration.workspace:
        raise Rejected(
            "invalid",
            f"workspace_id: orch_id is an orchestration of workspace {orchestration.workspace};"
            " give that one",
        )
    retry = body.retry or requests.RetryPolicy()
    order = TaskCreated(
        kind=kind,
        orchestration=body.orch_id,
        name=body.name,
        arguments=_checked(body.json or {}),
        timeout=body.timeout,
        debug=bool(body.debug),
        schedule=schedule,
        retry=Retry(attempts=retry.attempts, backoff=retry.backoff),
        mode=body.mode,
        grace=body.grace,
    )
    id = idempotency.new_id(call, f"task/{kind}")
    stream = task_stream(orchestration.workspace, id)

    async def append() -> int:
        now = datetime.now(UTC)
        (event,) = task.create(order, orchestration, now)
        context = msgspec.structs.replace(call.context, id=str(uuid4()), at=now)
        created = idempotency.first(stream, event), context
        run = task.first_run(id, event, now, orchestration)
        if run is None:
            return await log.append(*created)
        return await append_led(log, created, _asked(stream, run, context))

    seq = await idempotency.create(call, stream, order, append)
    await call.visible(seq, id)
    return wire.Created(id)


def _asked(stream: StreamId, run: RunRequested, order: Context) -> tuple[Proposed, Context]:
    context = msgspec.structs.replace(order, id="", at=None, causation=order.id, since=order.at)
    where = run_stream(stream.workspace, run_id(run.task, run.scheduled_at))
    return Proposed(where, 0, run), context


def _checked(arguments: dict[str, Any]) -> dict[str, Any]:
    level: list[Any] = [arguments]
    depth = 0
    while level and depth < DEEPEST_ARGUMENTS:
        level = [child for node in level for child in _inner(node)]
        depth += 1
    if level:
        raise Rejected("invalid", f"json: nested over {DEEPEST_ARGUMENTS} deep; flatten it")
    if len(msgspec.json.encode(arguments)) > MOST_ARGUMENTS:
        raise Rejected(
            "invalid",
            f"json: over {MOST_ARGUMENTS} bytes; put large data into the archive or a store",
        )
    return arguments


def _inner(node: Any) -> list[Any]:
    """The objects and arrays in an object or array."""
    children = node.values() if isinstance(node, dict) else node
    return [child for child in children if isinstance(child, dict | list)]


async def get_by_id(call: RequestContext, body: requests.TaskById) -> wire.Task:
    found = await access.task(call, call.resources.rows, body.id, _limit(body.run_limit))
    return wire.Task.of(found)


async def list_tasks(call: RequestContext, body: requests.ListTasks) -> list[wire.Task]:
    """Newest first."""
    rows = call.resources.rows
    if body.orch_id is not None:
        await access.orchestration(call, rows, body.orch_id, "orch_id")
    workspaces = await _workspaces(call, rows, body.workspace_id)
    found = await task_page(
        rows,
        workspaces,
        _limit(body.run_limit),
        killed=bool(body.killed),
        orchestrations=await _of(rows, workspaces, body),
        before=await access.before(rows, "task", body.before),
        limit=body.limit or requests.MOST_LISTED,
    )
    return [wire.Task.of(row) for row in found]


async def _of(rows: Rows, workspaces: Sequence[int], body: requests.ListTasks) -> list[UUID] | None:
    """The orchestrations whose tasks are asked for; none: any."""
    one = None if body.orch_id is None else [body.orch_id]
    if body.orch_sha is None:
        return one
    same = await orchestrations_of_sha(rows, workspaces, body.orch_sha.lower())
    return same if one is None else [id for id in one if id in same]


async def by_sha(call: RequestContext, body: requests.TasksBySha) -> wire.TaskIds:
    rows, limit = call.resources.rows, requests.MOST_LISTED
    visible = await _workspaces(call, rows, None)
    return wire.TaskIds(await task_ids_of_sha(rows, visible, body.sha.lower(), limit))


async def kill(call: RequestContext, body: requests.KillTask) -> wire.Task:
    return await _command(call, body, lambda state: task.kill(state, body.keep_logs))


async def pause(call: RequestContext, body: requests.PauseTask) -> wire.Task:
    return await _command(call, body, task.pause if body.pause else task.resume)


async def _command(
    call: RequestContext,
    body: requests.KillTask | requests.PauseTask,
    decide: Callable[[task.Task], Sequence[TaskEvent]],
) -> wire.Task:
    """Decides on the task as the log has it; gives it as that has left it."""
    log, rows = call.resources.log, call.resources.rows
    found = await access.task(call, rows, body.id)
    stream = task_stream(found.task.workspace, body.id)
    outcome = await transact(log, stream, task.evolve, decide, call.context)
    await call.visible(outcome.seq, body.id)
    row = await access.task(call, rows, body.id, _limit(None))
    # The scheduler may have acted on it already: the answer is what this command has led to.
    facts = [fact for fact in await log.read(stream) if fact.seq <= outcome.seq]
    decided = fold(task.evolve, facts) or row.task
    return wire.Task.of(msgspec.structs.replace(row, task=decided))


async def _workspaces(call: RequestContext, rows: Rows, id: int | None) -> list[int]:
    if id is not None:
        return [(await access.workspace(call, rows, id)).id]
    return [state.id for state in await access.workspaces(call, rows)]


def _limit(asked: int | None) -> int:
    return requests.DEFAULT_RUNS if asked is None else asked
