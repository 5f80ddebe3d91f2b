"""One orchestration: what was uploaded, how packaging went, its tasks and their runs."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import quote
from uuid import UUID

from aiohttp import web

from libs.blobs.store import PIECE
from libs.domain.orchestration import Orchestration
from services.api.access import authorize as access
from services.api.dashboard import live
from services.api.dashboard.form_parsing import path_id
from services.api.dashboard.page_context import PageContext
from services.api.dashboard.paging import Paging
from services.api.dashboard.run_rows import run_lines
from services.api.dashboard.task_row import TaskLine
from services.api.orchestrations import build_progress as packaging
from services.api.read_model.tasks import tasks_of


async def show(visit: PageContext) -> web.Response:
    rows = visit.context.store.rows
    workload = await access.orchestration(visit.context.user, rows, path_id(visit, "orchestration"))
    visit = visit.inside(workload.workspace)
    tab = "runs" if visit.context.request.query.get("tab") == "runs" else "tasks"
    paging = Paging(visit, "tab", "status")
    listed = await (_runs if tab == "runs" else _tasks)(visit, workload.id, paging)
    return visit.page(
        "workload.html",
        title=workload.name or workload.file_name,
        nav="/workloads",
        live=live.address(visit, f"orchestration:{workload.id}", "task", "run", about=workload.id),
        workload=workload,
        steps=_steps(workload),
        progress=await packaging.progress(visit.context.runtime.nats, workload),
        uploader=await _uploader(visit, workload),
        tab=tab,
        paging=paging,
        **listed,
    )


async def _tasks(visit: PageContext, id: UUID, paging: Paging) -> dict[str, Any]:
    rows = visit.context.store.rows
    tasks = await tasks_of(rows, id, before=paging.before, limit=paging.limit)
    now = datetime.now(UTC)
    return {"tasks": [TaskLine.of(one, now) for one in paging.shown(tasks)]}


async def _runs(visit: PageContext, id: UUID, paging: Paging) -> dict[str, Any]:
    return await run_lines(visit, paging, orchestration=id)


def _steps(state: Orchestration) -> list[tuple[str, str]]:
    """Packaging as steps, each with how far it is: done, busy, bad or to come."""
    packaging, end = {
        "pending_packaging": ("to come", "to come"),
        "packaging": ("busy", "to come"),
        "ready": ("done", "done"),
        "error": ("done", "bad"),
    }[state.status]
    return [
        ("Uploaded", "done"),
        ("Packaging", packaging),
        ("Failed" if state.status == "error" else "Ready", end),
    ]


async def _uploader(visit: PageContext, state: Orchestration) -> str:
    try:
        accounts = await visit.context.identity.users.by_ids([UUID(state.owner)])
    except ValueError:  # a service or a tool, which has no account
        return state.owner
    return accounts[0].email if accounts else state.owner


async def download(visit: PageContext) -> web.StreamResponse:
    """The archive as it was uploaded."""
    resources = visit.context.resources
    workload = await access.orchestration(
        visit.context.user, resources.store.rows, path_id(visit, "orchestration")
    )
    headers = {
        "Content-Type": "application/zip",
        "Content-Length": str(workload.file_size),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(workload.file_name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    # Swept with the uploads when we are stopped before its end.
    with NamedTemporaryFile(dir=resources.runtime.config.data, prefix="upload-") as copy:
        await resources.contents.blobs.get(workload.blob, Path(copy.name))
        response = web.StreamResponse(headers=headers)
        await response.prepare(visit.context.request)
        async for piece in _pieces(Path(copy.name)):
            await response.write(piece)
    return response


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
