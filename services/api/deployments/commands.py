"""Commands for deployments: serve a version of a pipeline, serve it no more."""

import contextlib
from uuid import UUID

import msgspec

from libs.domain import deployment
from libs.domain.deployment import Deployment
from libs.domain.errors import Rejected
from libs.domain.events import DeploymentEvent, DeploymentRequested
from libs.domain.ids import StreamId, deployment_stream
from libs.domain.pipeline_version import PipelineVersion
from libs.eventlog.envelope import Context
from libs.eventlog.log import Proposed, WrongVersion
from libs.identity.users import User
from services.api.access import inference as access
from services.api.append import idempotency
from services.api.append.caller import Caller
from services.api.append.change import change
from services.api.append.store import Store
from services.api.deployments import engine_config, queries
from services.api.deployments.schemas import Deploy, Undeploy
from services.api.gateway import Gateway
from services.api.pipelines import models
from services.api.read_model.deployments import deployments_of
from services.api.read_model.row_types import Rows

_MAX_TRIES = 20


async def deploy(caller: Caller, store: Store, order: Deploy) -> int:
    """Serve a version from now on, with the newest configs of its models; the number of the
    deployment.

    Rejected("invalid") for what can't be served here, with the reason.
    """
    version = await _version(caller.user, store.rows, order)
    stream = deployment_stream(version.workspace, version.pipeline)
    command = idempotency.of_key(caller, "pipelines/deploy")
    seq = await _earlier(store, stream, command, version, order)
    if seq is None:
        context = caller.context
        if command:
            context = msgspec.structs.replace(context, causation=str(command))
        event = await _event(store, version, order)
        # Models may have been waited for; what is deployed may have been deleted meanwhile.
        await _version(caller.user, store.rows, order)
        seq = await _append(store, stream, event, context)
    await store.visible(seq, version.name)
    return (await deployments_of(store.rows, [version.pipeline]))[version.pipeline].number


async def _event(store: Store, version: PipelineVersion, order: Deploy) -> DeploymentEvent:
    given = order.engine_config or {}
    scaling, limits = engine_config.parse(given)
    (event,) = deployment.request(
        DeploymentRequested(
            pipeline=version.pipeline,
            name=version.name,
            version=version.id,
            version_number=version.number,
            steps=version.steps,
            models=await models.resolve(store, version.workspace, version.steps, limits.cpus),
            scaling=scaling,
            limits=limits,
            engine_config=given,
        )
    )
    return event


async def _version(user: User, rows: Rows, order: Deploy) -> PipelineVersion:
    number, id = order.pipeline_version_pk_id, order.pipeline_version
    if number is not None:
        state = await access.pipeline_version(user, rows, number, "pipeline_version_pk_id")
    elif id is not None:
        state = await access.pipeline_version(user, rows, id, "pipeline_version")
    else:
        raise Rejected("invalid", "pipeline_version_pk_id: this field is required; add it")
    if order.pipeline_id is not None:
        owner = await access.pipeline(user, rows, order.pipeline_id, "pipeline_id")
        if owner.id != state.pipeline:
            raise Rejected(
                "invalid",
                f"pipeline_id: version {state.number} is one of pipeline {state.name!r}; leave it"
                " out",
            )
    return state


async def _earlier(
    store: Store, stream: StreamId, command: UUID | None, version: PipelineVersion, order: Deploy
) -> int | None:
    """The position of the event that an earlier try of this command has led to."""
    for fact in await store.log.read(stream) if command else []:
        if fact.causation == str(command) and isinstance(fact.event, DeploymentRequested):
            given = order.engine_config or {}
            if (fact.event.version, fact.event.engine_config) != (version.id, given):
                raise idempotency.another()
            return fact.seq
    return None


async def _append(store: Store, stream: StreamId, event: DeploymentEvent, context: Context) -> int:
    """After whatever happened to it last: the last request is the one that counts."""
    for _ in range(_MAX_TRIES):
        last = await store.log.last(stream)
        with contextlib.suppress(WrongVersion):
            proposed = Proposed(stream, last.seq if last else 0, event)
            return await store.log.append(proposed, context)
    raise Rejected("conflict", "pipeline_id: its deployment changes too fast; try again")


async def undeploy(caller: Caller, store: Store, gateway: Gateway, order: Undeploy) -> Deployment:
    """Serve it no more: no inference is answered once this returns. Twice is as good as once."""
    state = await _deployment(caller.user, store.rows, order)
    stream = deployment_stream(state.workspace, state.pipeline)
    outcome = await change(
        caller, store, stream, deployment.evolve, deployment.undeploy, state.number
    )
    await gateway.seen(outcome.seq)
    return state


async def _deployment(user: User, rows: Rows, order: Undeploy) -> Deployment:
    if order.deployment_id is not None:
        return await access.deployment(user, rows, order.deployment_id, "deployment_id")
    if order.pipeline_id is None:
        raise Rejected("invalid", "deployment_id: this field is required; add it")
    owner = await access.pipeline(user, rows, order.pipeline_id, "pipeline_id")
    return await queries.of_pipeline(rows, owner, "pipeline_id")
