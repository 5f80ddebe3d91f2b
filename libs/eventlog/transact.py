"""Load, decide, append. Only this module tries again after a lost race."""

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

_MAX_TRIES = 20


class Outcome(msgspec.Struct, frozen=True):
    """`seq` is that of the aggregate's last event: the new one, or an old one where nothing was
    appended."""

    seq: int
    appended: bool


async def load(log: EventLog, stream: StreamId, evolve: Evolve[State]) -> tuple[State, int]:
    """The aggregate's state, and its version: the sequence of its last event.

    Rejected("not_found") when it does not exist; Unavailable as EventLog.read.
    """
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
    """Loads the aggregate, and appends the event that `decide` gives for its state, at most one.

    After a lost race it loads and decides again: `decide` may be called several times. Raises what
    `decide` raises, Rejected("not_found") when the aggregate does not exist, Rejected("conflict")
    after twenty lost races, and Unavailable as EventLog.append.
    """
    for _ in range(_MAX_TRIES):
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
