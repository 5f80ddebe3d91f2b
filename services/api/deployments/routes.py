"""Deployments over HTTP."""

from services.api.access import inference as access
from services.api.append import idempotency
from services.api.deployments import commands, queries, schemas
from services.api.deployments.paths import path_of
from services.api.http.request_context import RequestContext
from services.api.http.route import BY_ID, post
from services.api.pipelines import schemas as pipeline_schemas


async def deploy(context: RequestContext, body: schemas.Deploy) -> schemas.Deployed:
    return schemas.Deployed(await commands.deploy(context.caller, context.store, body))


async def undeploy(context: RequestContext, body: schemas.Undeploy) -> schemas.Undeployed:
    state = await commands.undeploy(context.caller, context.store, context.gateway, body)
    return schemas.Undeployed(state.number)


async def status(context: RequestContext, body: schemas.GetStatus) -> schemas.Status:
    rows = context.store.rows
    return schemas.Status.of(await queries.by_name(context.user, rows, body.name, "name"))


async def list_deployments(
    context: RequestContext, body: schemas.ListDeployments
) -> schemas.Deployments:
    found = await queries.listed(context.user, context.store.rows, body.workspace_id)
    return schemas.Deployments([schemas.DeploymentItem.of(state) for state in found])


async def external_url(
    context: RequestContext, body: pipeline_schemas.PipelineByName
) -> schemas.InferenceUrl:
    """Also while it is not deployed: the URL stays the same."""
    rows, name = context.store.rows, body.pipeline_name
    owner = await access.pipeline_named(
        context.user, rows, body.workspace_id, name, "pipeline_name"
    )
    state = await queries.of_pipeline(rows, owner, "pipeline_name")
    base = context.runtime.config.public_url.rstrip("/")
    return schemas.InferenceUrl(base + path_of(state))


DEPLOYMENT_ROUTES = (
    post(
        "pipelines/deploy",
        deploy,
        schemas.Deploy,
        schemas.Deployed,
        summary="Serve a version of a pipeline, instead of what is served now.",
        errors=(*BY_ID, 409),
        headers=(idempotency.HEADER,),
        machines=True,
    ),
    post(
        "pipelines/undeploy",
        undeploy,
        schemas.Undeploy,
        schemas.Undeployed,
        summary="Serve a pipeline no more.",
        errors=(*BY_ID, 409),
        machines=True,
    ),
    post(
        "status/get_deployment",
        status,
        schemas.GetStatus,
        schemas.Status,
        summary="How far a deployment is; not found unless it is deployed.",
        machines=True,
    ),
    post(
        "deployments/list",
        list_deployments,
        schemas.ListDeployments,
        schemas.Deployments,
        summary="Deployments, newest first.",
        machines=True,
    ),
    post(
        "admin/get_pipeline_external_url",
        external_url,
        pipeline_schemas.PipelineByName,
        schemas.InferenceUrl,
        summary="Where a pipeline infers.",
        machines=True,
    ),
)
