"""Commands for models: upload a version, configure it, delete."""

import asyncio
from collections.abc import Sequence
from pathlib import PurePath
from uuid import UUID, uuid4

import msgspec

from libs.blobs.store import BlobStore
from libs.domain import model, model_version
from libs.domain.errors import Rejected
from libs.domain.events import (
    ModelEvent,
    ModelVersionConfigured,
    ModelVersionEvent,
    ModelVersionUploaded,
)
from libs.domain.ids import model_stream, model_version_stream
from libs.domain.model_version import ModelVersion
from services.api.access import authorize as access
from services.api.access import inference as inference_access
from services.api.append import idempotency
from services.api.append.caller import Caller
from services.api.append.change import change
from services.api.append.probes import probed
from services.api.append.store import Store
from services.api.append.under_name import append_version
from services.api.append.upload import Upload, append_upload
from services.api.fields import ARCH, MAX_LISTED
from services.api.models import requirements
from services.api.models.schemas import InsertConfig
from services.api.models.upload_schemas import UploadMetadata
from services.api.read_model.deployments import deployments_of_model_versions
from services.api.read_model.models import model_versions_with_ids, versions_of_models
from services.api.read_model.row_types import Rows

PROBE_TIMEOUT_SECONDS = 5.0
ModelUpload = Upload[UploadMetadata]


async def allowed(caller: Caller, rows: Rows, metadata: UploadMetadata) -> None:
    """Whether it makes sense to receive the file. Rejected if not."""
    await access.workspace(caller.user, rows, metadata.workspace_id)
    if metadata.image_path:
        raise Rejected("invalid", "image_path: there are no container images here; send a file")
    _check(_order(metadata, file_name="model", size=1, sha=""))


def _check(order: ModelVersionUploaded) -> None:
    model_version.upload(order, ARCH)


def _order(metadata: UploadMetadata, file_name: str, size: int, sha: str) -> ModelVersionUploaded:
    """Its blob is not named by the id: of uploads under one key, each brings bytes of its own."""
    conversion = {"framework": "onnx"} if metadata.conversion is None else metadata.conversion
    name = metadata.name or PurePath(file_name).stem
    workspace = metadata.workspace_id
    return ModelVersionUploaded(
        model=UUID(model_stream(workspace, name).id),
        name=name,
        file_name=file_name,
        file_size=size,
        sha=sha,
        blob=f"models/{workspace}/{uuid4()}",
        framework=str(conversion.get("framework") or ""),
        conversion=conversion,
        input_schema=metadata.input_schema or "",
        output_schema=metadata.output_schema or "",
    )


async def upload(
    caller: Caller, store: Store, blobs: BlobStore, received: ModelUpload
) -> ModelVersion:
    """Keep an upload as a new version, of a model that is created if there is none of that name,
    and wait for what the probe says. It may still be pending.

    Rejected("invalid") for what can't be served, with the reason of the probe if it has one.
    """
    order = _order(received.metadata, received.file_name, received.size, received.sha)
    _check(order)
    asked = await asyncio.to_thread(
        requirements.of_upload, received.path, order.framework, order.conversion
    )
    order = msgspec.structs.replace(order, requirements=asked)
    id = idempotency.new_id(caller, "models/upload")
    seq = await _append(caller, store, blobs, id, order, received)
    await store.visible(seq, id)
    states = await probed(store, [id], PROBE_TIMEOUT_SECONDS)
    if (state := states.get(id)) is None:
        raise Rejected("not_found", f"name: model {order.name!r} was deleted meanwhile")
    if state.status == "error":
        raise Rejected("invalid", f"file: {state.reason}")
    return state


async def _append(
    caller: Caller,
    store: Store,
    blobs: BlobStore,
    id: UUID,
    order: ModelVersionUploaded,
    received: ModelUpload,
) -> int:
    """The place of the version's event, and with it, in one go, its model if there is none."""
    workspace = received.metadata.workspace_id
    stream, owner = model_version_stream(workspace, id), model_stream(workspace, order.name)
    version = idempotency.first(stream, order)

    def create(known: model.Model | None) -> Sequence[ModelEvent]:
        return model.create(known, order.name)

    async def append_events() -> int:
        return await append_version(caller, store, owner, model.evolve, create, version)

    async def append() -> int:
        path = received.path
        return await append_upload(store.log, blobs, stream, order.blob, path, append_events)

    return await idempotency.create(caller, store, stream, order, append, apart_from=("blob",))


async def configure(caller: Caller, store: Store, order: InsertConfig) -> ModelVersion:
    """A new config of a version, which is its last one now."""
    number = order.model_version_id
    state = await inference_access.model_version(caller.user, store.rows, number)
    batching = order.dynamic_batching_config
    event = ModelVersionConfigured(
        tensor_fields=order.tensor_fields or [],
        batching=batching.value if batching else None,
        filter_threshold=order.filter_threshold,
        batch_config=order.batch_config or "",
        input_schema=order.input_schema or "",
        output_schema=order.output_schema or "",
    )
    stream = model_version_stream(state.workspace, state.id)

    def decide(known: ModelVersion) -> Sequence[ModelVersionEvent]:
        return model_version.configure(known, event)

    await change(caller, store, stream, model_version.evolve, decide, number)
    return await inference_access.model_version(caller.user, store.rows, number)


async def delete(caller: Caller, store: Store, workspace: int, name: str, confirmed: bool) -> int:
    """Delete a model with all its versions, and give how many bytes they had; only that, unless it
    is `confirmed`. Their files follow (sweeper.py). Rejected("conflict") while one of them is
    deployed."""
    state = await inference_access.model_named(caller.user, store.rows, workspace, name)
    versions = (await versions_of_models(store.rows, [state.id], MAX_LISTED))[state.id]
    await _check_unused(store.rows, versions)
    if confirmed:
        stream = model_stream(workspace, name)
        await change(caller, store, stream, model.evolve, model.delete, state.number)
    return sum(version.file_size for version in versions)


async def delete_versions(
    caller: Caller, store: Store, ids: Sequence[UUID], confirmed: bool
) -> int:
    """As `delete`, of some versions: all or, if you may not see one of them, none."""
    found = await model_versions_with_ids(store.rows, list(dict.fromkeys(ids)))
    for id in ids:
        if id not in found:
            raise access.missing("model_versions", "model version", id)
        await access.workspace(caller.user, store.rows, found[id].workspace, "model_versions")
    versions = list(found.values())
    await _check_unused(store.rows, versions)
    if confirmed:
        for version in versions:
            stream = model_version_stream(version.workspace, version.id)
            delete = model_version.delete
            await change(caller, store, stream, model_version.evolve, delete, version.number)
    return sum(version.file_size for version in versions)


async def _check_unused(rows: Rows, versions: Sequence[ModelVersion]) -> None:
    ids = [version.id for version in versions]
    for deployment in await deployments_of_model_versions(rows, ids):
        served = {one.version for one in (*deployment.models, *deployment.serving.models)}
        version = next(id for id in ids if id in served)
        raise Rejected(
            "conflict",
            f"model_id: version {version} is deployed in pipeline {deployment.name!r}; undeploy it"
            " first",
        )
