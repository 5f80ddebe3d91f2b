"""Orchestrations: archives that come in, and what has become of them."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

from libs.archive import requirements as archive_requirements
from libs.archive.inspect import Archive, inspect
from libs.domain.errors import Unavailable
from libs.domain.events import OrchestrationUploaded
from libs.domain.ids import StreamId, orchestration_stream
from libs.service.room import Room
from services.api import requests, wire
from services.api.access import authorize as access
from services.api.append import idempotency
from services.api.http.request_context import RequestContext
from services.api.orchestrations import build_progress
from services.api.orchestrations.upload_stream import Received, receive
from services.api.read_model.orchestrations import orchestration_page
from services.api.read_model.row_types import NEWEST
from services.api.read_model.tasks import task_page


async def upload(call: RequestContext, _: None) -> wire.Created:
    """Refuses what could never run; on any failure nothing of the archive stays."""
    config = call.resources.config

    async def allowed(metadata: requests.UploadMetadata) -> None:
        await access.workspace(call, call.resources.rows, metadata.workspace_id)

    limit, room = config.max_upload_bytes, Room.of(config)
    async with receive(call.request, config.data, limit, room, allowed) as received:
        archive = await asyncio.to_thread(_inspected, received)
        id = idempotency.new_id(call, "orchestration/upload")
        seq = await _create(call, id, received, archive)
    await call.visible(seq, id)
    return wire.Created(id)


def _inspected(received: Received) -> Archive:
    archive = inspect(received.path)
    archive_requirements.read(received.path, archive.requirements)
    return archive


async def _create(call: RequestContext, id: UUID, received: Received, archive: Archive) -> int:
    workspace = received.metadata.workspace_id
    stream = orchestration_stream(workspace, id)
    event = OrchestrationUploaded(
        file_name=received.file_name,
        file_size=received.size,
        sha=received.sha,
        # Not named by the id: of uploads under one key, each brings bytes of its own.
        blob=f"orchestrations/{workspace}/{uuid4()}.zip",
        entrypoint=archive.entrypoint,
        name=received.metadata.name,
    )

    async def append() -> int:
        return await _store(call, stream, event, received.path)

    return await idempotency.create(call, stream, event, append, apart_from=("blob",))


async def _store(
    call: RequestContext, stream: StreamId, event: OrchestrationUploaded, path: Path
) -> int:
    """First the bytes, then the event that says that they are there."""
    log, blobs = call.resources.log, call.resources.blobs
    await blobs.put(event.blob, path)
    try:
        return await log.append(idempotency.first(stream, event), call.context)
    except Unavailable:
        # An event that is in the log after all must find its blob.
        if await log.last(stream) is None:
            await blobs.delete(event.blob)
        raise
    except Exception:
        await blobs.delete(event.blob)
        raise


async def get_by_id(call: RequestContext, body: requests.OrchestrationById) -> wire.Orchestration:
    found = await access.orchestration(call, call.resources.rows, body.id)
    return wire.Orchestration.of(found, await build_progress.progress(call.resources.nats, found))


async def list_one(
    call: RequestContext, body: requests.ListOrchestrations
) -> list[wire.Orchestration]:
    """Of one workspace, oldest first."""
    rows = call.resources.rows
    await access.workspace(call, rows, body.workspace_id)
    before = await access.before(rows, "orchestration", body.before)
    limit = body.limit or requests.MOST_LISTED
    found = await orchestration_page(rows, [body.workspace_id], before, limit)
    return [wire.Orchestration.of(state) for state in found]


async def list_all(
    call: RequestContext, body: requests.ListAllOrchestrations
) -> wire.OrchestrationItems:
    """Oldest first, each with its tasks, newest first."""
    async with call.resources.rows.snapshot() as rows:
        if body.workspace_ids:
            asked = dict.fromkeys(body.workspace_ids)
            visible = [await access.workspace(call, rows, id, "workspace_ids") for id in asked]
        else:
            visible = await access.workspaces(call, rows)
        ids = [state.id for state in visible]
        before = await access.before(rows, "orchestration", body.before)
        limit = body.limit or requests.MOST_LISTED
        found = await orchestration_page(rows, ids, before, limit)
        tasks = await task_page(
            rows,
            ids,
            requests.DEFAULT_RUNS,
            killed=bool(body.killed),
            orchestrations=[state.id for state in found],
            before=NEWEST,
            limit=requests.MOST_LISTED,
        )
    workspaces = {state.id: wire.Workspace.of(state) for state in visible}
    by_orchestration: dict[UUID, list[wire.Task]] = {}
    for row in tasks:
        if not body.task_run_status or {run.status for run in row.runs} & {*body.task_run_status}:
            by_orchestration.setdefault(row.task.orchestration, []).append(wire.Task.of(row))
    return wire.OrchestrationItems(
        [
            wire.OrchestrationItem(
                wire.Orchestration.of(state),
                by_orchestration.get(state.id, []),
                workspaces[state.workspace],
            )
            for state in found
        ]
    )
