"""Commands that create, under an `Idempotency-Key`: sent again, they answer as the first time.

No table remembers keys. The id of the new thing comes from the key. The log takes the first event
of an aggregate once, so it takes the command once, whichever copy of this service it reaches. A
thing with a unique name is recognised by that name instead: its first event says which command
caused it.
"""

import contextlib
import re
from collections.abc import Awaitable, Callable, Collection
from uuid import UUID, uuid4, uuid5

import msgspec

from libs.domain.errors import Rejected, Unavailable
from libs.domain.events import Event, encode
from libs.domain.ids import EVENTS_ROOT, StreamId
from libs.eventlog.log import Proposed, WrongVersion
from services.api.append.caller import Caller
from services.api.append.store import Store

HEADER = "Idempotency-Key"
_KEY = re.compile("[ -~]{1,128}")


def new_id(caller: Caller, command: str) -> UUID:
    """The id for what `command` creates: from the caller's key, or a new one without a key."""
    return of_key(caller, command) or uuid4()


def of_key(caller: Caller, command: str) -> UUID | None:
    """The id of this command of the caller; None without a key. Rejected for a malformed key."""
    key = caller.idempotency_key
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Rejected("invalid", f"{HEADER}: give 1 to 128 printable characters, or leave it out")
    return uuid5(caller.user.id, f"{command} {key}")


async def caused(store: Store, command: UUID | None, stream: StreamId) -> int | None:
    """The position of the aggregate's first event, if this command caused it; else None."""
    facts = await store.log.read(stream) if command else []
    return facts[0].seq if facts and facts[0].causation == str(command) else None


def first(stream: StreamId, event: Event) -> Proposed:
    """An aggregate's first event. WrongVersion if the id is taken, in whichever workspace."""
    return Proposed(stream, 0, event, f"{EVENTS_ROOT}.*.{stream.aggregate}.{stream.id}")


async def create(
    caller: Caller,
    store: Store,
    stream: StreamId,
    event: Event,
    append: Callable[[], Awaitable[int]],
    apart_from: Collection[str] = (),
) -> int:
    """The position in the log of the aggregate's first event, which `append` puts there.

    `append` is not called if the key has led to this event before: a change since then must not
    refuse what was accepted. Rejected("conflict") if the key has led to another event; fields in
    `apart_from` are not compared.
    """
    if caller.idempotency_key is None:
        return await append()
    while (seq := await _earlier(caller, store, stream, event, apart_from)) is None:
        with contextlib.suppress(WrongVersion):
            return await append()
    return seq


async def _earlier(
    caller: Caller, store: Store, stream: StreamId, event: Event, apart_from: Collection[str]
) -> int | None:
    log = store.log
    if not await log.last_seq_over(first(stream, event).over):
        return None
    if await log.last(stream) is None:
        raise another()  # of another workspace
    facts = await log.read(stream)
    if not facts:
        raise Unavailable(f"{stream.subject} can't be read yet")
    first_fact = facts[0]
    varying = {name: getattr(first_fact.event, name, None) for name in apart_from}
    same = encode(msgspec.structs.replace(event, **varying)) == encode(first_fact.event)
    if not same or first_fact.actor != str(caller.user.id):
        raise another()
    return first_fact.seq


def another() -> Rejected:
    """The refusal for a key that another command has used."""
    return Rejected(
        "conflict", f"{HEADER}: another command came under this key; send each under its own"
    )
