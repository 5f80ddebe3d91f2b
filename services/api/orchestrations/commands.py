"""Uploads of archives: one is refused if it could never run, else kept and announced."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

from libs.archive import requirements as archive_requirements
from libs.archive.inspect import Archive, inspect
from libs.blobs.store import BlobStore
from libs.domain.errors import Unavailable
from libs.domain.events import OrchestrationUploaded
from libs.domain.ids import StreamId, orchestration_stream
from services.api.append import idempotency
from services.api.append.caller import Caller
from services.api.append.store import Store
from services.api.orchestrations.schemas import Upload


async def create(caller: Caller, store: Store, blobs: BlobStore, upload: Upload) -> UUID:
    """Keep an upload, append its event, and return the id. A failure leaves nothing of it behind.

    Rejected("invalid") names the rule of docs/orchestrations.md that the archive breaks.
    """
    archive = await asyncio.to_thread(_inspected, upload.path)
    id = idempotency.new_id(caller, "orchestration/upload")
    seq = await _append(caller, store, blobs, id, upload, archive)
    await store.visible(seq, id)
    return id


def _inspected(path: Path) -> Archive:
    archive = inspect(path)
    archive_requirements.read(path, archive.requirements)
    return archive


async def _append(
    caller: Caller, store: Store, blobs: BlobStore, id: UUID, upload: Upload, archive: Archive
) -> int:
    workspace = upload.metadata.workspace_id
    stream = orchestration_stream(workspace, id)
    event = OrchestrationUploaded(
        file_name=upload.file_name,
        file_size=upload.size,
        sha=upload.sha,
        # Not named by the id: of uploads under one key, each brings bytes of its own.
        blob=f"orchestrations/{workspace}/{uuid4()}.zip",
        entrypoint=archive.entrypoint,
        name=upload.metadata.name,
    )

    async def append() -> int:
        return await _store(caller, store, blobs, stream, event, upload.path)

    return await idempotency.create(caller, store, stream, event, append, apart_from=("blob",))


async def _store(
    caller: Caller,
    store: Store,
    blobs: BlobStore,
    stream: StreamId,
    event: OrchestrationUploaded,
    path: Path,
) -> int:
    """Store the bytes first, then append the event that says so."""
    await blobs.put(event.blob, path)
    try:
        return await store.log.append(idempotency.first(stream, event), caller.context)
    except Unavailable:
        # An event that is in the log after all must find its blob.
        if await store.log.last(stream) is None:
            await blobs.delete(event.blob)
        raise
    except Exception:
        await blobs.delete(event.blob)
        raise
