"""Orchestrations over HTTP."""

from libs.domain import names
from services.api.access import authorize as access
from services.api.append import idempotency
from services.api.fields import MAX_NAME, Created
from services.api.http.decode import decoder
from services.api.http.request_context import RequestContext
from services.api.http.route import BY_ID, MULTIPART, post
from services.api.http.upload_stream import Incoming, receive
from services.api.orchestrations import build_progress, commands, queries, schemas

_decode = decoder(schemas.UploadMetadata)


def _metadata(body: bytes) -> schemas.UploadMetadata:
    metadata = _decode(body)
    if metadata.name is not None:
        names.check("name", metadata.name, MAX_NAME)
    return metadata


async def upload(context: RequestContext, _: None) -> Created:
    async def allowed(metadata: schemas.UploadMetadata) -> None:
        await access.workspace(context.user, context.store.rows, metadata.workspace_id)

    incoming = Incoming(context.runtime.config, _metadata, allowed)
    async with receive(context.request, incoming) as received:
        blobs = context.contents.blobs
        return Created(await commands.create(context.caller, context.store, blobs, received))


async def get_by_id(
    context: RequestContext, body: schemas.OrchestrationById
) -> schemas.Orchestration:
    state = await access.orchestration(context.user, context.store.rows, body.id)
    progress = await build_progress.progress(context.runtime.nats, state)
    return schemas.Orchestration.of(state, progress)


async def list_one(
    context: RequestContext, body: schemas.ListOrchestrations
) -> list[schemas.Orchestration]:
    page = await queries.of_workspace(context.user, context.store.rows, body)
    return [schemas.Orchestration.of(state) for state in page]


async def list_all(
    context: RequestContext, body: schemas.ListAllOrchestrations
) -> schemas.OrchestrationItems:
    items = await queries.with_tasks(context.user, context.store.rows, body)
    return schemas.OrchestrationItems(items)


ORCHESTRATION_ROUTES = (
    post(
        "orchestration/upload",
        upload,
        schemas.UploadForm,
        Created,
        summary="Upload an archive; it is packaged in the background.",
        status=202,
        errors=(*BY_ID, 409, 507),
        media=MULTIPART,
        headers=(idempotency.HEADER,),
        machines=True,
    ),
    post(
        "orchestration/list",
        list_one,
        schemas.ListOrchestrations,
        list[schemas.Orchestration],
        summary="A workspace's orchestrations, oldest first.",
        machines=True,
    ),
    post(
        "orchestration/list_all",
        list_all,
        schemas.ListAllOrchestrations,
        schemas.OrchestrationItems,
        summary="Orchestrations with their tasks, oldest first.",
        machines=True,
    ),
    post(
        "orchestration/get_by_id",
        get_by_id,
        schemas.OrchestrationById,
        schemas.Orchestration,
        summary="One orchestration.",
        machines=True,
    ),
)
