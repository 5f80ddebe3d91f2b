"""Pipelines over HTTP."""

from services.api.access import inference as access
from services.api.append import idempotency
from services.api.http.request_context import RequestContext
from services.api.http.route import BY_ID, post
from services.api.pipelines import commands, queries, schemas


async def create(context: RequestContext, body: schemas.CreatePipeline) -> schemas.PipelineCreated:
    return await commands.create(context.caller, context.store, body)


async def by_name(context: RequestContext, body: schemas.PipelineByName) -> schemas.PipelineItem:
    rows, name = context.store.rows, body.pipeline_name
    seen = await queries.named(context.user, rows, body.workspace_id, name, "pipeline_name")
    return schemas.PipelineItem.of(seen)


async def list_pipelines(context: RequestContext, body: schemas.ListPipelines) -> schemas.Pipelines:
    found = await queries.listed(context.user, context.store.rows, body)
    return schemas.Pipelines([schemas.PipelineItem.of(seen) for seen in found])


async def get_version(context: RequestContext, body: schemas.VersionById) -> schemas.Version:
    rows = context.store.rows
    state = await access.pipeline_version(context.user, rows, body.version, "version")
    return schemas.Version.of(state)


async def list_versions(
    context: RequestContext, body: schemas.PipelineById
) -> schemas.ListedVersions:
    rows, name = context.store.rows, body.pipeline_id
    seen = await queries.named(context.user, rows, body.workspace_id, name, "pipeline_id")
    versions = await queries.versions(rows, seen.state.id)
    return schemas.ListedVersions([schemas.PipelineItem.of(seen, each) for each in versions])


async def delete(context: RequestContext, body: schemas.PipelineById) -> schemas.PipelineById:
    await commands.delete(context.caller, context.store, body)
    return body


async def delete_versions(
    context: RequestContext, body: schemas.PipelineVersions
) -> schemas.PipelineVersions:
    await commands.delete_versions(context.caller, context.store, body.pipeline_versions)
    return body


PIPELINE_ROUTES = (
    post(
        "pipelines/create",
        create,
        schemas.CreatePipeline,
        schemas.PipelineCreated,
        summary="Create a pipeline, or one more version of it.",
        errors=(*BY_ID, 409),
        headers=(idempotency.HEADER,),
        machines=True,
    ),
    post(
        "pipelines/get_pipeline_by_name",
        by_name,
        schemas.PipelineByName,
        schemas.PipelineItem,
        summary="One pipeline of a workspace.",
        machines=True,
    ),
    post(
        "pipelines/list_pipelines",
        list_pipelines,
        schemas.ListPipelines,
        schemas.Pipelines,
        summary="Pipelines, newest first.",
        machines=True,
    ),
    post(
        "pipelines/get_version",
        get_version,
        schemas.VersionById,
        schemas.Version,
        summary="The steps of a version of a pipeline.",
        machines=True,
    ),
    post(
        "pipelines/list_pipeline_versions",
        list_versions,
        schemas.PipelineById,
        schemas.ListedVersions,
        summary="The versions of a pipeline, newest first.",
        machines=True,
    ),
    post(
        "pipelines/delete_pipeline",
        delete,
        schemas.PipelineById,
        schemas.PipelineById,
        summary="Delete a pipeline that is not deployed, with its versions and logs.",
        errors=(*BY_ID, 409),
        machines=True,
    ),
    post(
        "pipelines/delete_pipeline_versions",
        delete_versions,
        schemas.PipelineVersions,
        schemas.PipelineVersions,
        summary="Delete versions of pipelines: they can't be deployed any more.",
        machines=True,
    ),
)
