"""Deletes the files of versions of models that are there no more.

Commands only append the event: so a file goes even if the api ends right after it. A version whose
upload was still under way when its model was deleted was never there; its file goes too.
"""

from collections.abc import AsyncIterator
from uuid import UUID

from libs.blobs.store import BlobStore
from libs.domain import model_version
from libs.domain.errors import Unavailable
from libs.domain.events import ModelDeleted, ModelVersionDeleted, ModelVersionUploaded
from libs.domain.model_version import ModelVersion
from libs.eventlog.envelope import Recorded
from libs.eventlog.react import Reaction
from libs.eventlog.transact import load
from services.api.append.store import VISIBLE_TIMEOUT_SECONDS, Store
from services.api.read_model.models import model_versions_with_ids, versions_deleted_with_model

_PAGE = 100  # versions at a time


def sweeper(store: Store, blobs: BlobStore) -> Reaction:
    """Once rows show an event, they say what is not there any more."""

    async def handle(fact: Recorded) -> None:
        try:
            await store.position.reached(fact.seq, VISIBLE_TIMEOUT_SECONDS)
        except TimeoutError:
            raise Unavailable("rows lag") from None
        async for version in _gone(store, fact):
            await blobs.delete(version.blob)

    return Reaction(
        name="model-sweeper",
        subjects=("event.*.model.*", "event.*.model_version.*"),
        kinds=(ModelDeleted, ModelVersionDeleted, ModelVersionUploaded),
        handle=handle,
    )


async def _gone(store: Store, fact: Recorded) -> AsyncIterator[ModelVersion]:
    """Those that are not there because of this event."""
    id = UUID(fact.stream.id)
    if isinstance(fact.event, ModelDeleted):
        before: int | None = fact.seq
        while before is not None:
            versions = await versions_deleted_with_model(store.rows, id, before, _PAGE)
            for version in versions:
                yield version
            before = versions[-1].number if versions else None
    elif not await model_versions_with_ids(store.rows, [id]):
        version, _ = await load(store.log, fact.stream, model_version.evolve)
        yield version
