"""The page of a run: how it went and why, phase by phase, and what it printed.

One that is asked for and has not begun has its page too, which goes on when it begins.
"""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from aiohttp import web

from libs.domain.ids import run_id
from libs.domain.run import Run
from libs.domain.run_end import ENDED
from libs.domain.task import Task, kill
from services.api.access import authorize as access
from services.api.dashboard import live, log, run_end_texts, run_phases
from services.api.dashboard.form_parsing import path_id
from services.api.dashboard.page_context import PageContext
from services.api.history import queries as history
from services.api.tasks import commands as tasks
from services.api.tasks import schemas as task_schemas


async def show(visit: PageContext) -> web.Response:
    context, rows = visit.context, visit.context.store.rows
    run, task = await _run(visit)
    visit = visit.inside(run.workspace)
    orchestration = await access.orchestration(
        context.user, rows, task.orchestration, "orchestration"
    )
    chain, log_window = await asyncio.gather(
        history.chain(visit.user, visit.store, context.identity.users, str(run.id)),
        log.window(context, run),
    )
    return visit.page(
        "run.html",
        title=f"Run of {task.name or orchestration.name or 'a task'}",
        nav="/workloads",
        run=run,
        task=task,
        orchestration=orchestration,
        ended=run.status in ENDED,
        ending=run_end_texts.ending(run),
        hops=run_phases.hops(run, datetime.now(UTC)),
        chain=chain.events,
        before=_before(run),
        stoppable=run.status not in ENDED and bool(kill(task, True)),
        log=log_window,
        window_lines=log.LINES,
        most_found=log.FOUND,
        live=live.address(visit, f"run:{run.id}") if run.status not in ENDED else "",
    )


async def _run(visit: PageContext) -> tuple[Run, Task]:
    context, rows = visit.context, visit.context.store.rows
    run = await access.requested_run(context.user, rows, path_id(visit, "run"), "run")
    return run, (await access.task(context.user, rows, run.task, field="task")).task


def _before(run: Run) -> UUID | None:
    """The id of the try before this one, or None."""
    return run_id(run.task, run.scheduled_at, run.attempt - 1) if run.attempt > 1 else None


async def stop(visit: PageContext) -> web.Response:
    """Kill the task of the run: nothing else ends a run early."""
    form = await visit.form()
    run, task = await _run(visit)
    await tasks.kill(visit.caller, visit.store, task.id, bool(form.get("keep_logs")))
    return visit.to(f"/runs/{run.id}")


async def again(visit: PageContext) -> web.Response:
    """Run the same orchestration with the same arguments once more, as a new task."""
    await visit.form()
    _, task = await _run(visit)
    order = task_schemas.RunTask(
        orch_id=task.orchestration,
        workspace_id=task.workspace,
        json=task.arguments,
        name=task.name,
        timeout=task.timeout,
        debug=task.debug,
        mode=task.mode,
        grace=task.grace,
        retry=task_schemas.RetryPolicy(task.retry.attempts, task.retry.backoff),
    )
    return visit.to(f"/tasks/{await tasks.run_once(visit.caller, visit.store, order)}")
