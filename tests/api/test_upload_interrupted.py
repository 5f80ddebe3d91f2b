"""Uploads that the service did not finish: what was stored goes, unless its event is there."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from libs.blobs.open import open_store
from libs.blobs.store import BlobStore
from libs.domain.events import ModelVersionUploaded
from libs.domain.ids import StreamId, model_version_stream
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog, Proposed
from services.api.append.upload import append_upload, finish_uploads

CONTEXT = Context(source="test", actor="test")


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[BlobStore]:
    async with open_store(f"file://{tmp_path}/blobs") as store:
        yield store


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "upload-1"
    path.parent.mkdir()
    path.write_bytes(b"a model")
    return path


def uploaded(blob: str) -> ModelVersionUploaded:
    return ModelVersionUploaded(
        model=UUID(int=1),
        name="m",
        file_name="m.onnx",
        file_size=7,
        sha="0",
        blob=blob,
        framework="onnx",
    )


async def interrupted(
    log: EventLog, blobs: BlobStore, stream: StreamId, staged: Path, event: str = ""
) -> str:
    """The key of bytes that were stored when it ended: before an event was appended, or right
    after one that has the blob `event`."""
    blob = f"models/{uuid4()}"
    there = asyncio.Event()

    async def append() -> int:
        if event:
            proposed = Proposed(stream, 0, uploaded(event.replace("its own", blob)))
            await log.append(proposed, CONTEXT)
        there.set()
        await asyncio.Event().wait()
        return 0

    upload = asyncio.create_task(append_upload(log, blobs, stream, blob, staged, append))
    await there.wait()
    upload.cancel()
    await asyncio.wait([upload])
    assert await blobs.exists(blob)
    return blob


@pytest.mark.parametrize(("event", "stays"), [("", False), ("its own", True), ("other", False)])
async def test_what_was_stored_stays_only_if_its_event_is_in_the_log(
    log: EventLog, blobs: BlobStore, staged: Path, event: str, stays: bool
) -> None:
    stream = model_version_stream(1, uuid4())
    blob = await interrupted(log, blobs, stream, staged, event)
    await finish_uploads(log, blobs, staged.parent)
    assert await blobs.exists(blob) is stays
    assert list(staged.parent.iterdir()) == [staged]


async def test_an_upload_that_ended_leaves_nothing_to_finish(
    log: EventLog, blobs: BlobStore, staged: Path
) -> None:
    stream, blob = model_version_stream(1, uuid4()), f"models/{uuid4()}"

    async def append() -> int:
        return await log.append(Proposed(stream, 0, uploaded(blob)), CONTEXT)

    await append_upload(log, blobs, stream, blob, staged, append)
    assert list(staged.parent.iterdir()) == [staged]
    assert await blobs.exists(blob)


async def test_a_note_that_was_cut_short_is_of_nothing(
    log: EventLog, blobs: BlobStore, staged: Path
) -> None:
    (staged.parent / "unfinished-upload-2").write_text("event.1.model_version")
    await finish_uploads(log, blobs, staged.parent)
    assert list(staged.parent.iterdir()) == [staged]
