"""Commands for pipelines: create one or a version of one, delete them."""

from collections.abc import Sequence
from uuid import UUID

from libs.domain import deployment, pipeline, pipeline_version
from libs.domain.history import fold
from libs.domain.ids import (
    deployment_stream,
    pipeline_stream,
    pipeline_version_stream,
)
from libs.domain.model import check_name
from services.api.access import authorize as access
from services.api.access import inference as inference_access
from services.api.append import idempotency
from services.api.append.caller import Caller
from services.api.append.change import change
from services.api.append.store import Store
from services.api.append.under_name import append_version
from services.api.pipelines import models
from services.api.pipelines.schemas import CreatePipeline, PipelineById, PipelineCreated


async def create(caller: Caller, store: Store, order: CreatePipeline) -> PipelineCreated:
    """A version with these steps, of the pipeline of that name, which is created if there is none.

    Rejected("invalid") for a name that can't be, and for steps that could never be deployed, such
    as none; without a definition there may be none. Of this refusal the published SDK shows the
    words, of one to deploy it does not.
    """
    user, rows, name = caller.user, store.rows, order.pipeline_id
    workspace = (await access.workspace(user, rows, order.workspace_id)).id
    check_name("pipeline_id", name)
    owner = pipeline_stream(workspace, name)
    definition = order.definition or {}
    (event,) = pipeline_version.create(UUID(owner.id), name, definition)
    id = idempotency.new_id(caller, "pipelines/create")
    stream = pipeline_version_stream(workspace, id)

    async def append() -> int:
        if "steps" in definition:
            await models.check(store, workspace, definition["steps"])
        return await append_version(
            caller,
            store,
            owner,
            pipeline.evolve,
            lambda known: pipeline.create(known, name),
            idempotency.first(stream, event),
        )

    seq = await idempotency.create(caller, store, stream, event, append)
    await store.visible(seq, id)
    state = await inference_access.pipeline_named(user, rows, workspace, name, "pipeline_id")
    # The number of a version is the place of its first event.
    return PipelineCreated(state.number, seq, id)


async def delete(caller: Caller, store: Store, order: PipelineById) -> None:
    """With its versions and logs. Rejected("conflict") while it is deployed."""
    rows, name = store.rows, order.pipeline_id
    state = await inference_access.pipeline_named(
        caller.user, rows, order.workspace_id, name, "pipeline_id"
    )
    facts = await store.log.read(deployment_stream(state.workspace, state.id))
    served = fold(deployment.evolve, facts)
    deployed = served is not None and served.deployed
    stream = pipeline_stream(state.workspace, name)
    await change(
        caller, store, stream, pipeline.evolve, lambda known: pipeline.delete(known, deployed), name
    )


async def delete_versions(caller: Caller, store: Store, ids: Sequence[UUID]) -> None:
    """All or, if you may not see one of them, none. What is deployed stays so."""
    states = [
        await inference_access.pipeline_version(caller.user, store.rows, id, "pipeline_versions")
        for id in ids
    ]
    for state in states:
        stream = pipeline_version_stream(state.workspace, state.id)
        await change(caller, store, stream, pipeline_version.evolve, pipeline_version.delete)
