"""Models over HTTP."""

from typing import Any

from services.api.access import inference as access
from services.api.append import idempotency
from services.api.http.decode import convert, decoder
from services.api.http.request_context import RequestContext
from services.api.http.route import BY_ID, BYTES, MULTIPART, post
from services.api.http.upload_stream import Incoming, receive, receive_bare
from services.api.models import commands, queries, schemas, upload_schemas
from services.api.text import number

_decode = decoder(upload_schemas.UploadMetadata)


def _incoming(context: RequestContext) -> Incoming[upload_schemas.UploadMetadata]:
    async def allowed(metadata: upload_schemas.UploadMetadata) -> None:
        await commands.allowed(context.caller, context.store.rows, metadata)

    return Incoming(context.runtime.config, _decode, allowed)


async def upload(context: RequestContext, _: None) -> upload_schemas.Uploaded:
    async with receive(context.request, _incoming(context)) as received:
        blobs = context.contents.blobs
        state = await commands.upload(context.caller, context.store, blobs, received)
        return upload_schemas.Uploaded.of(state.number)


async def upload_stream(context: RequestContext, _: None) -> upload_schemas.Uploaded:
    query = dict(context.request.query)
    workspace = number(query.pop("workspace_id", ""))
    fields = {**query, "workspace_id": workspace}
    metadata = convert(upload_schemas.UploadMetadata, fields)
    file_name = query.get("filename", "")
    incoming = _incoming(context)
    async with receive_bare(context.request, incoming, file_name, metadata) as received:
        blobs = context.contents.blobs
        state = await commands.upload(context.caller, context.store, blobs, received)
        return upload_schemas.Uploaded.of(state.number)


async def get_version(
    context: RequestContext, body: schemas.VersionByNumber
) -> schemas.VersionAnswer:
    rows = context.store.rows
    found = await queries.configured(context.user, rows, body.model_version_id)
    return schemas.VersionAnswer(found)


async def get_config(context: RequestContext, body: schemas.ConfigOf) -> schemas.ConfigAnswer:
    state = await access.model_version(context.user, context.store.rows, body.model_id, "model_id")
    return schemas.ConfigAnswer(schemas.ModelConfig.of(state.config, state.number))


async def insert_config(
    context: RequestContext, body: schemas.InsertConfig
) -> schemas.ConfigAnswer:
    state = await commands.configure(context.caller, context.store, body)
    return schemas.ConfigAnswer(schemas.ModelConfig.of(state.config, state.number))


async def list_models(context: RequestContext, body: schemas.ListModels) -> schemas.Models:
    return schemas.Models(await queries.listed(context.user, context.store.rows, body))


async def get(context: RequestContext, body: schemas.ModelByNumber) -> schemas.ModelWithVersions:
    return await queries.with_versions(context.user, context.store.rows, body.id)


async def list_versions(
    context: RequestContext, body: schemas.VersionsOf
) -> list[schemas.ShortVersion]:
    return await queries.versions(context.user, context.store.rows, body)


async def upload_logs(context: RequestContext, body: schemas.UploadLogsOf) -> schemas.UploadLogs:
    return schemas.UploadLogs(await queries.upload_logs(context.user, context.store, body))


async def delete(context: RequestContext, body: schemas.DeleteModel) -> schemas.Deleted:
    freed = await commands.delete(
        context.caller,
        context.store,
        body.workspace_id,
        body.model_id,
        body.confirm_delete,
    )
    return schemas.Deleted(freed)


async def delete_versions(context: RequestContext, body: schemas.DeleteVersions) -> schemas.Deleted:
    freed = await commands.delete_versions(
        context.caller, context.store, body.model_versions, body.confirm_delete
    )
    return schemas.Deleted(freed)


_UPLOADS: dict[str, Any] = {
    "errors": (*BY_ID, 409, 507),
    "headers": (idempotency.HEADER,),
    "machines": True,
}
MODEL_ROUTES = (
    *(
        post(
            path,
            upload,
            upload_schemas.UploadForm,
            upload_schemas.Uploaded,
            summary="Upload a version of a model; it is loaded and probed.",
            media=MULTIPART,
            **_UPLOADS,
        )
        for path in ("models/upload", "models/upload_and_convert")
    ),
    post(
        "models/upload_stream",
        upload_stream,
        bytes,
        upload_schemas.Uploaded,
        summary="As models/upload; the body is the file.",
        media=BYTES,
        query=("name", "filename", "visibility", "workspace_id"),
        **_UPLOADS,
    ),
    post(
        "models/get_version_by_id",
        get_version,
        schemas.VersionByNumber,
        schemas.VersionAnswer,
        summary="A version of a model, with its newest config.",
        aliases=("/v1/api/models/get_model_version_by_id",),
        machines=True,
    ),
    post(
        "models/get_config_by_id",
        get_config,
        schemas.ConfigOf,
        schemas.ConfigAnswer,
        summary="The newest config of a version.",
        machines=True,
    ),
    post(
        "models/insert_model_config",
        insert_config,
        schemas.InsertConfig,
        schemas.ConfigAnswer,
        summary="A new config of a version, for deployments from now on.",
        errors=(*BY_ID, 409),
        machines=True,
    ),
    post(
        "models/list",
        list_models,
        schemas.ListModels,
        schemas.Models,
        summary="Models, newest first.",
        machines=True,
    ),
    post(
        "models/get",
        get,
        schemas.ModelByNumber,
        schemas.ModelWithVersions,
        summary="A model with its versions, newest first.",
        machines=True,
    ),
    post(
        "models/list_versions",
        list_versions,
        schemas.VersionsOf,
        list[schemas.ShortVersion],
        summary="The versions of a model, newest first.",
        machines=True,
    ),
    post(
        "models/get_upload_logs",
        upload_logs,
        schemas.UploadLogsOf,
        schemas.UploadLogs,
        summary="What became of an upload.",
        machines=True,
    ),
    post(
        "models/delete_model",
        delete,
        schemas.DeleteModel,
        schemas.Deleted,
        summary="Delete a model with all its versions.",
        errors=(*BY_ID, 409),
        machines=True,
    ),
    post(
        "models/delete_model_versions",
        delete_versions,
        schemas.DeleteVersions,
        schemas.Deleted,
        summary="Delete versions of models.",
        errors=(*BY_ID, 409),
        machines=True,
    ),
)
