"""Tags: created, put on versions of models and on pipelines, and taken off them."""

from uuid import uuid4

from libs.domain import model_version, pipeline
from libs.domain import tag as tags
from libs.domain.ids import model_version_stream, pipeline_stream, tag_stream
from libs.domain.model_version import ModelVersion
from libs.domain.pipeline import Pipeline
from libs.domain.tag import Tag
from services.api.access import inference as access
from services.api.append import idempotency
from services.api.append.caller import Caller
from services.api.append.change import change
from services.api.append.store import Store


async def create(caller: Caller, store: Store, name: str) -> Tag:
    """A new tag; there may be others of that name."""
    (event,) = tags.create(name)
    stream = tag_stream(uuid4())
    seq = await store.log.append(idempotency.first(stream, event), caller.context)
    await store.visible(seq, stream.id)
    return await access.tag(caller.user, store.rows, seq)


async def put_on_version(
    caller: Caller, store: Store, version: int, tag: int
) -> tuple[ModelVersion, Tag]:
    """Put a tag on a version of a model; both by their numbers. Nothing happens if it is on it."""
    state = await access.model_version(caller.user, store.rows, version, "model_id")
    chosen = await access.tag(caller.user, store.rows, tag)
    stream = model_version_stream(state.workspace, state.id)
    await change(
        caller,
        store,
        stream,
        model_version.evolve,
        lambda known: model_version.tag(known, chosen.id),
    )
    return state, chosen


async def take_off_version(
    caller: Caller, store: Store, version: int, tag: int
) -> tuple[ModelVersion, Tag] | None:
    """Take a tag off a version of a model. None if it was not on it."""
    state = await access.model_version(caller.user, store.rows, version, "model_id")
    chosen = await access.tag(caller.user, store.rows, tag)
    stream = model_version_stream(state.workspace, state.id)
    outcome = await change(
        caller,
        store,
        stream,
        model_version.evolve,
        lambda known: model_version.untag(known, chosen.id),
    )
    return (state, chosen) if outcome.appended else None


async def put_on_pipeline(
    caller: Caller, store: Store, number: int, tag: int
) -> tuple[Pipeline, Tag]:
    """As `put_on_version`, on a pipeline."""
    state = await access.pipeline(caller.user, store.rows, number, "pipeline_pk_id")
    chosen = await access.tag(caller.user, store.rows, tag, "tag_pk_id")
    stream = pipeline_stream(state.workspace, state.name)
    await change(
        caller, store, stream, pipeline.evolve, lambda known: pipeline.tag(known, chosen.id)
    )
    return state, chosen


async def take_off_pipeline(
    caller: Caller, store: Store, number: int, tag: int
) -> tuple[Pipeline, Tag] | None:
    """As `take_off_version`, off a pipeline."""
    state = await access.pipeline(caller.user, store.rows, number, "pipeline_pk_id")
    chosen = await access.tag(caller.user, store.rows, tag, "tag_pk_id")
    stream = pipeline_stream(state.workspace, state.name)
    outcome = await change(
        caller, store, stream, pipeline.evolve, lambda known: pipeline.untag(known, chosen.id)
    )
    return (state, chosen) if outcome.appended else None
