"""The history of a thing: what happened to it, who did it and why, and its state at any instant.

The log has the events of a thing; the views, which are built from it, say who may see it.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected
from libs.domain.events import SEALED, RunRequested
from libs.domain.history import fold
from libs.domain.ids import (
    StreamId,
    connection_stream,
    orchestration_stream,
    run_stream,
    stream_of,
    tag_stream,
    task_stream,
    workspace_stream,
)
from libs.domain.registry import AGGREGATES
from libs.eventlog.envelope import Recorded
from libs.identity.users import User, Users
from services.api.access import authorize as access
from services.api.access import inference as inference_access
from services.api.append.store import Store
from services.api.history.schemas import Chain, Entry, History
from services.api.read_model.projection import TABLES
from services.api.read_model.row_types import Rows
from services.api.text import instant, number, uuid

# Also of states, which keep a sealed text under the name that it has in its event.
_WITHHELD = frozenset(SEALED.values())
_MAX_SEQUENCE = 2**63
_CHUNK = 500  # events that are shaped before others get a turn


async def history(
    user: User, store: Store, users: Users, aggregate: str, id: str, at: str = ""
) -> History:
    """The events of a thing, and its state at `at`: an instant, a sequence, or "" for now.

    Rejected("invalid") for another `at`, "not_found" or "forbidden" for the thing itself.
    """
    until = _moment(at)
    stream = await _visible(user, store, aggregate, id)
    facts = await store.log.read(stream)
    past = [fact for fact in facts if until is None or _before(fact, until)]
    state = fold(AGGREGATES[stream.aggregate].evolve, past)
    return History(
        aggregate=stream.aggregate,
        id=stream.id,
        workspace=stream.workspace,
        events=await _entries(users, facts),
        until=past[-1].seq if past else 0,
        state=None if state is None else _readable(state),
    )


async def chain(user: User, store: Store, users: Users, run: str) -> Chain:
    """The events that led to a run, oldest first: from the one of a request to the run's own."""
    stream = await _visible(user, store, "run", run)
    facts = await store.log.read(stream)
    request = next(fact.event for fact in facts if isinstance(fact.event, RunRequested))
    before = await store.log.read(task_stream(stream.workspace, request.task))
    return Chain(await _entries(users, [*_causes(facts[0], before), *facts]))


def _causes(fact: Recorded, among: Sequence[Recorded]) -> list[Recorded]:
    by_id = {one.id: one for one in among}
    chain: list[Recorded] = []
    while (cause := by_id.get(fact.causation)) is not None:
        chain.insert(0, cause)
        fact = cause
    return chain


async def _visible(user: User, store: Store, aggregate: str, id: str) -> StreamId:
    """The stream of a thing that the caller may see. Rejected if they may not."""
    rows = store.rows
    match aggregate:
        case "workspace":
            return workspace_stream((await access.workspace(user, rows, _number(id), "id")).id)
        case "connection":
            return connection_stream((await access.connection(user, rows, _uuid(id))).id)
        case "orchestration":
            packaged = await access.orchestration(user, rows, _uuid(id))
            return orchestration_stream(packaged.workspace, packaged.id)
        case "task":
            ordered = (await access.task(user, rows, _uuid(id))).task
            return task_stream(ordered.workspace, ordered.id)
        case "run":
            run = await access.requested_run(user, rows, _uuid(id), "id")
            return run_stream(run.workspace, run.id)
        case "model" | "model_version" | "pipeline" | "pipeline_version" | "deployment" | "tag":
            return await _numbered(user, rows, aggregate, _number(id))
    raise Rejected(
        "not_found", f"aggregate: {aggregate!r} is none; give one of {', '.join(TABLES)}"
    )


async def _numbered(user: User, rows: Rows, aggregate: str, number: int) -> StreamId:
    """As `_visible`, of what the wire knows by a number."""
    thing: Any
    match aggregate:
        case "model":
            thing = await inference_access.model(user, rows, number, "id")
        case "model_version":
            thing = await inference_access.model_version(user, rows, number, "id")
        case "pipeline":
            thing = await inference_access.pipeline(user, rows, number, "id")
        case "pipeline_version":
            thing = await inference_access.pipeline_version(user, rows, number, "id")
        case "deployment":
            thing = await inference_access.deployment(user, rows, number, "id")
        case _:
            return tag_stream((await inference_access.tag(user, rows, number, "id")).id)
    return stream_of(aggregate, thing.workspace, thing.id)


def _uuid(text: str) -> UUID:
    if (id := uuid(text)) is None:
        raise _nothing(text)
    return id


def _number(text: str) -> int:
    if (id := number(text)) is None:
        raise _nothing(text)
    return id


def _nothing(id: str) -> Rejected:
    return Rejected("not_found", f"id: there is nothing with the id {id[:40]!r}; list them first")


def _moment(at: str) -> int | datetime | None:
    """A sequence or an instant; an instant without a zone is in UTC. Rejected("invalid")."""
    if not at:
        return None
    if at.isascii() and at.isdigit():
        return min(int(at[:20]), _MAX_SEQUENCE)
    if (moment := instant(at)) is None:
        raise Rejected(
            "invalid", "at: give an instant such as 2026-11-22T10:00:00Z, or a sequence of the log"
        )
    return moment


def _before(fact: Recorded, until: int | datetime) -> bool:
    return fact.seq <= until if isinstance(until, int) else fact.at <= until


async def _entries(users: Users, facts: Sequence[Recorded]) -> list[Entry]:
    names = await people(users, (fact.actor for fact in facts))
    entries: list[Entry] = []
    for at in range(0, len(facts), _CHUNK):
        entries += [_entry(fact, names) for fact in facts[at : at + _CHUNK]]
        await asyncio.sleep(0)  # some have a hundred thousand events, and others wait
    return entries


def _entry(fact: Recorded, names: dict[str, str]) -> Entry:
    return Entry(
        seq=fact.seq,
        id=fact.id,
        aggregate=fact.stream.aggregate,
        of=fact.stream.id,
        type=type(fact.event).__name__,
        at=fact.at,
        actor=fact.actor,
        who=names.get(fact.actor, fact.actor),
        source=fact.source,
        correlation=fact.correlation,
        causation=fact.causation,
        data=_readable(fact.event),
    )


async def people(users: Users, ids: Iterable[str]) -> dict[str, str]:
    """The emails of users, by id; ids that are no users are left out."""
    accounts = await users.by_ids([UUID(id) for id in {*ids} if _is_uuid(id)])
    return {str(user.id): user.email for user in accounts}


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _readable(thing: Any) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(thing)
    return {name: value for name, value in fields.items() if name not in _WITHHELD | {"type"}}
