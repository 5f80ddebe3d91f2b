"""Load, decide, append; the only place that tries again after a lost race."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from libs.domain.errors import Rejected
from libs.domain.events import Event
from libs.domain.history import Evolve, fold
from libs.domain.ids import StreamId
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog, Proposed, WrongVersion

State = TypeVar("State")

_TRIES = 20


class Outcome(msgspec.Struct, frozen=True):
    """`seq` is where the aggregate stands now: of the new event, or of its last old one."""

    seq: int
    appended: bool


async def load(log: EventLog, stream: StreamId, evolve: Evolve[State]) -> tuple[State, int]:
    """The aggregate's state and its version; Rejected("not_found") when it does not exist."""
    events = await log.read(stream)
    state = fold(evolve, events)
    if state is None:
        raise Rejected("not_found", f"id: there is no {stream.aggregate} {stream.id}")
    return state, events[-1].seq


async def transact(
    log: EventLog,
    stream: StreamId,
    evolve: Evolve[State],
    decide: Callable[[State], Sequence[Event]],
    context: Context,
) -> Outcome:
    """Decides on the aggregate as it is and appends what comes of it, at most one event.

    Raises what `decide` raises, Rejected("not_found") when the aggregate does not exist, and
    Rejected("conflict") when others were faster every time.
    """
    for _ in range(_TRIES):
        state, version = await load(log, stream, evolve)
        events = decide(state)
        if not events:
            return Outcome(version, appended=False)
        (event,) = events
        try:
            seq = await log.append(Proposed(stream, version, event), context)
        except WrongVersion:
            continue
        return Outcome(seq, appended=True)
    raise Rejected("conflict", f"id: {stream.aggregate} {stream.id} changes too fast; try again")
