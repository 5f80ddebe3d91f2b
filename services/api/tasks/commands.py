"""Commands for tasks: create one, kill, pause and resume it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from libs.domain import schedule as schedules
from libs.domain import task
from libs.domain.errors import Rejected
from libs.domain.events import RunRequested, TaskCreated, TaskEvent
from libs.domain.history import fold
from libs.domain.ids import StreamId, run_id, run_stream, task_stream
from libs.domain.values import Kind, Retry, Schedule
from libs.eventlog.append_pair import append_pair
from libs.eventlog.envelope import Context
from libs.eventlog.log import Proposed
from services.api.access import authorize as access
from services.api.append import idempotency
from services.api.append.caller import Caller
from services.api.append.change import change
from services.api.append.store import Store
from services.api.fields import DEFAULT_RUNS
from services.api.read_model.tasks import TaskRow
from services.api.tasks.schemas import RetryPolicy, RunScheduled, RunTask

MAX_ARGUMENTS_BYTES = 256 << 10  # as JSON; they travel in an event
MAX_ARGUMENTS_DEPTH = 100


async def run_once(caller: Caller, store: Store, order: RunTask) -> UUID:
    """Create a task that runs once, and return its id.

    Rejected as the domain does (libs/domain/task.py), and "invalid" for arguments over 256 KiB.
    """
    return await _create(caller, store, order, "once")


async def run_continuously(caller: Caller, store: Store, order: RunTask) -> UUID:
    """Create a task that runs until it is killed, and return its id. Raises as `run_once`."""
    return await _create(caller, store, order, "continuous")


async def run_scheduled(
    caller: Caller, store: Store, order: RunScheduled
) -> tuple[UUID, list[datetime]]:
    """Create a scheduled task; returns its id and its next five instants. Raises as `run_once`."""
    schedule = Schedule(
        expression=order.schedule,
        zone=order.zone,
        misfire=order.misfire,
        misfire_cap=order.misfire_cap,
        overlap=order.overlap,
    )
    id = await _create(caller, store, order, "scheduled", schedule)
    return id, schedules.upcoming(schedule, datetime.now(UTC))


async def _create(
    caller: Caller, store: Store, order: RunTask, kind: Kind, schedule: Schedule | None = None
) -> UUID:
    orchestration = await access.orchestration(caller.user, store.rows, order.orch_id, "orch_id")
    if order.workspace_id != orchestration.workspace:
        raise Rejected(
            "invalid",
            f"workspace_id: orch_id is an orchestration of workspace {orchestration.workspace};"
            " give that one",
        )
    proposed = _event(order, kind, schedule)
    id = idempotency.new_id(caller, f"task/{kind}")
    stream = task_stream(orchestration.workspace, id)

    async def append() -> int:
        now = datetime.now(UTC)
        (event,) = task.create(proposed, orchestration, now)
        context = msgspec.structs.replace(caller.context, id=str(uuid4()), at=now)
        created = idempotency.first(stream, event), context
        run = task.first_run(id, event, now, orchestration)
        if run is None:
            return await store.log.append(*created)
        return await append_pair(store.log, created, _request(stream, run, context))

    seq = await idempotency.create(caller, store, stream, proposed, append)
    await store.visible(seq, id)
    return id


def _event(order: RunTask, kind: Kind, schedule: Schedule | None) -> TaskCreated:
    retry = order.retry or RetryPolicy()
    return TaskCreated(
        kind=kind,
        orchestration=order.orch_id,
        name=order.name,
        arguments=_checked(order.json or {}),
        timeout=order.timeout,
        debug=bool(order.debug),
        schedule=schedule,
        retry=Retry(attempts=retry.attempts, backoff=retry.backoff),
        mode=order.mode,
        grace=order.grace,
    )


def _request(stream: StreamId, run: RunRequested, order: Context) -> tuple[Proposed, Context]:
    context = msgspec.structs.replace(order, id="", at=None, causation=order.id, since=order.at)
    where = run_stream(stream.workspace, run_id(run.task, run.scheduled_at))
    return Proposed(where, 0, run), context


def _checked(arguments: dict[str, Any]) -> dict[str, Any]:
    level: list[Any] = [arguments]
    depth = 0
    while level and depth < MAX_ARGUMENTS_DEPTH:
        level = [child for node in level for child in _inner(node)]
        depth += 1
    if level:
        raise Rejected("invalid", f"json: nested over {MAX_ARGUMENTS_DEPTH} deep; flatten it")
    if len(msgspec.json.encode(arguments)) > MAX_ARGUMENTS_BYTES:
        raise Rejected(
            "invalid",
            f"json: over {MAX_ARGUMENTS_BYTES} bytes; put large data into the archive or a store",
        )
    return arguments


def _inner(node: Any) -> list[Any]:
    """The objects and arrays in an object or array."""
    children = node.values() if isinstance(node, dict) else node
    return [child for child in children if isinstance(child, dict | list)]


async def kill(caller: Caller, store: Store, id: UUID, keep_logs: bool = False) -> TaskRow:
    """End a task for good. These three return the task as the command has left it."""
    return await _change(caller, store, id, lambda state: task.kill(state, keep_logs))


async def pause(caller: Caller, store: Store, id: UUID) -> TaskRow:
    """Start no more runs of a task. Rejected("conflict") when it has ended."""
    return await _change(caller, store, id, task.pause)


async def resume(caller: Caller, store: Store, id: UUID) -> TaskRow:
    """Start runs of a paused task again. Rejected("conflict") when it has ended."""
    return await _change(caller, store, id, task.resume)


async def _change(
    caller: Caller, store: Store, id: UUID, decide: Callable[[task.Task], Sequence[TaskEvent]]
) -> TaskRow:
    """Decide on the state in the log, and return the state after that decision."""
    before = await access.task(caller.user, store.rows, id)
    stream = task_stream(before.task.workspace, id)
    outcome = await change(caller, store, stream, task.evolve, decide)
    row = await access.task(caller.user, store.rows, id, DEFAULT_RUNS)
    # The scheduler may have acted on it already: the answer is what this command has led to.
    facts = [fact for fact in await store.log.read(stream) if fact.seq <= outcome.seq]
    decided = fold(task.evolve, facts) or row.task
    return msgspec.structs.replace(row, task=decided)
