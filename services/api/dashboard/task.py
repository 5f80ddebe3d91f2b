"""The page of a task: its order and runs, and buttons to pause, resume and stop it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from aiohttp import web

from libs.domain import schedule
from libs.domain.task import Task, shown_status
from services.api.access import authorize as access
from services.api.append.caller import Caller
from services.api.append.store import Store
from services.api.dashboard import live
from services.api.dashboard.form_parsing import path_id
from services.api.dashboard.page_context import PageContext, local
from services.api.dashboard.paging import Paging
from services.api.dashboard.run_rows import run_lines
from services.api.dashboard.task_row import TaskLine
from services.api.read_model.tasks import TaskRow, TaskShown
from services.api.tasks import commands as tasks


async def show(visit: PageContext) -> web.Response:
    row = await _row(visit)
    state = row.task
    visit = visit.inside(state.workspace)
    rows = visit.context.store.rows
    orchestration = await access.orchestration(visit.context.user, rows, state.orchestration)
    now = datetime.now(UTC)
    last = row.runs[0] if row.runs else None
    line = TaskLine.of(TaskShown(state, shown_status(state, row.has_runs), 0, last), now)
    paging = Paging(visit, "status")
    return visit.page(
        "task.html",
        title=state.name or str(state.id),
        nav="/workloads",
        live=live.address(visit, f"task:{state.id}", "run", about=state.id),
        line=line,
        workload=orchestration,
        arguments=_arguments(state),
        upcoming=schedule.upcoming(state.schedule, now) if line.next and state.schedule else [],
        paging=paging,
        **await run_lines(visit, paging, task=state.id),
    )


async def _row(visit: PageContext) -> TaskRow:
    return await access.task(
        visit.context.user, visit.context.store.rows, path_id(visit, "task"), run_limit=1
    )


def _arguments(state: Task) -> str:
    if not state.arguments:
        return ""
    return msgspec.json.format(msgspec.json.encode(state.arguments), indent=2).decode()


async def ask_to_stop(visit: PageContext) -> web.Response:
    """The page that asks before logs are lost for good."""
    row = await _row(visit)
    return visit.inside(row.task.workspace).page(
        "stop.html", title="Stop a task", nav="/workloads", task=row.task
    )


async def stop(visit: PageContext) -> web.Response:
    form, id = await visit.form(), path_id(visit, "task")
    keep = form.get("keep_logs") == "yes"
    await tasks.kill(visit.caller, visit.store, id, keep)
    return visit.to(f"/tasks/{id}")


async def pause(visit: PageContext) -> web.Response:
    return await _change(visit, tasks.pause)


async def resume(visit: PageContext) -> web.Response:
    return await _change(visit, tasks.resume)


async def _change(
    visit: PageContext, change: Callable[[Caller, Store, UUID], Awaitable[object]]
) -> web.Response:
    form = await visit.form()
    await change(visit.caller, visit.store, path_id(visit, "task"))
    return visit.to(local(form.get("back", "/")))
