"""Tags: made, put on versions of models, and taken off them."""

from collections.abc import Callable, Sequence
from uuid import uuid4

from libs.domain import model_version
from libs.domain import tag as tags
from libs.domain.events import ModelVersionEvent
from libs.domain.ids import model_version_stream, tag_stream
from libs.domain.model_version import ModelVersion
from libs.domain.tag import Tag
from libs.eventlog.transact import transact
from services.api.access import inference as access
from services.api.append import idempotency
from services.api.append.caller import Caller
from services.api.append.store import Store


async def create(caller: Caller, store: Store, name: str) -> Tag:
    """A new tag; there may be others of that name."""
    (event,) = tags.create(name)
    stream = tag_stream(uuid4())
    seq = await store.log.append(idempotency.first(stream, event), caller.context)
    await store.visible(seq, stream.id)
    return await access.tag(caller.user, store.rows, seq)


Decide = Callable[[ModelVersion], Sequence[ModelVersionEvent]]


async def put_on(caller: Caller, store: Store, version: int, tag: int) -> tuple[ModelVersion, Tag]:
    """Put a tag on a version of a model. Nothing happens if it is on it."""
    state = await access.model_version(caller.user, store.rows, version, "model_id")
    chosen = await access.tag(caller.user, store.rows, tag)

    def decide(known: ModelVersion) -> Sequence[ModelVersionEvent]:
        return model_version.tag(known, chosen.id)

    await _change(caller, store, state, decide)
    return state, chosen


async def take_off(
    caller: Caller, store: Store, version: int, tag: int
) -> tuple[ModelVersion, Tag] | None:
    """Take a tag off a version of a model. None if it was not on it."""
    state = await access.model_version(caller.user, store.rows, version, "model_id")
    chosen = await access.tag(caller.user, store.rows, tag)

    def decide(known: ModelVersion) -> Sequence[ModelVersionEvent]:
        return model_version.untag(known, chosen.id)

    appended = await _change(caller, store, state, decide)
    return (state, chosen) if appended else None


async def _change(caller: Caller, store: Store, state: ModelVersion, decide: Decide) -> bool:
    """Whether there was anything to do."""
    stream = model_version_stream(state.workspace, state.id)
    outcome = await transact(store.log, stream, model_version.evolve, decide, caller.context)
    await store.visible(outcome.seq, state.number)
    return outcome.appended
