"""Changes one aggregate, and waits until reads show it."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from libs.domain.events import Event
from libs.domain.history import Evolve
from libs.domain.ids import StreamId
from libs.eventlog.transact import Outcome, transact
from services.api.append.caller import Caller
from services.api.append.store import Store

State = TypeVar("State")


async def change(
    caller: Caller,
    store: Store,
    stream: StreamId,
    evolve: Evolve[State],
    decide: Callable[[State], Sequence[Event]],
    id: object = "",
) -> Outcome:
    """Append the event that `decide` gives for the state, at most one, in the caller's name.

    `id` is what the caller knows it by, if not by the stream's. Raises as `transact`, and
    NotVisibleYet.
    """
    outcome = await transact(store.log, stream, evolve, decide, caller.context)
    await store.visible(outcome.seq, id or stream.id)
    return outcome
