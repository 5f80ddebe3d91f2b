"""Uploads of archives: one is refused if it could never run, else kept and announced."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

from libs.archive import requirements as archive_requirements
from libs.archive.inspect import Archive, inspect
from libs.blobs.store import BlobStore
from libs.domain.events import OrchestrationUploaded
from libs.domain.ids import orchestration_stream
from services.api.append import idempotency
from services.api.append.caller import Caller
from services.api.append.store import Store
from services.api.append.upload import Upload, append_upload
from services.api.orchestrations.schemas import UploadMetadata

ArchiveUpload = Upload[UploadMetadata]


async def create(caller: Caller, store: Store, blobs: BlobStore, upload: ArchiveUpload) -> UUID:
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
    caller: Caller,
    store: Store,
    blobs: BlobStore,
    id: UUID,
    upload: ArchiveUpload,
    archive: Archive,
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

    first = idempotency.first(stream, event)

    async def append() -> int:
        return await append_upload(
            store.log,
            blobs,
            stream,
            event.blob,
            upload.path,
            lambda: store.log.append(first, caller.context),
        )

    return await idempotency.create(caller, store, stream, event, append, apart_from=("blob",))
