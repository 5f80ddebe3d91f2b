"""Appends the first event of a version, and before it that of what it is a version of."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from libs.domain.errors import Rejected
from libs.domain.events import Event
from libs.domain.history import Evolve, fold
from libs.domain.ids import StreamId
from libs.eventlog.log import Proposed, WrongVersion
from services.api.append.caller import Caller
from services.api.append.store import Store

State = TypeVar("State")
_MAX_TRIES = 20


async def append_version(
    caller: Caller,
    store: Store,
    owner: StreamId,
    evolve: Evolve[State],
    create: Callable[[State | None], Sequence[Event]],
    version: Proposed,
) -> int:
    """In one go: `create` gives the event of the owner, if there is none yet, by its state. The
    place of the version's event.

    WrongVersion if there is that version; Rejected("conflict") after twenty lost races.
    """
    for _ in range(_MAX_TRIES):
        facts = await store.log.read(owner)
        new = create(fold(evolve, facts))
        proposed = [Proposed(owner, facts[-1].seq if facts else 0, event) for event in new]
        try:
            return await store.log.append_batch(
                [(each, caller.context) for each in (*proposed, version)]
            )
        except WrongVersion:
            if not new:
                raise
    raise Rejected("conflict", f"{owner.aggregate} {owner.id} changes too fast; try again")
