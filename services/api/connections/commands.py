"""Commands for connections. Their details are sealed wherever they rest (I9).

The creator of a connection and administrators may attach and delete it. Members of the workspaces
that it is attached to may read it, including its details. The owner of a workspace may detach it.
"""

from collections.abc import Callable, Sequence
from uuid import UUID, uuid4

import msgspec

from libs.domain import connection
from libs.domain.connection import Connection
from libs.domain.errors import Rejected
from libs.domain.events import ConnectionCreated, ConnectionDeleted, ConnectionEvent, Event
from libs.domain.ids import StreamId, connection_stream
from libs.eventlog.envelope import Recorded
from libs.eventlog.react import Handler
from libs.eventlog.transact import transact
from libs.identity.users import User
from libs.vault.vault import Vault
from services.api.access import authorize as access
from services.api.append import idempotency, unique_append
from services.api.append.caller import Caller
from services.api.append.sealed_append import append_sealed
from services.api.append.store import Store
from services.api.connections.schemas import Attachment, CreateConnection
from services.api.read_model.connections import find_connection_named

SUBJECTS = "event.0.connection.*"
MAX_DETAILS_BYTES = 64 << 10  # as JSON; sealed they travel in an event


async def create(caller: Caller, store: Store, vault: Vault, order: CreateConnection) -> UUID:
    """Create a connection, and return its id.

    Rejected("conflict") if the name is taken, "invalid" for details over 64 KiB.
    """
    plain, command = _encoded(order), idempotency.of_key(caller, "connections/create")
    try:
        id, seq = await _create(caller, store, vault, order, plain, command)
    except Rejected as refused:
        earlier = None
        if refused.code == "conflict":
            earlier = await _earlier(store, vault, order, plain, command)
        if earlier is None:
            raise
        id, seq = earlier
    await store.visible(seq, id)
    return id


async def _create(
    caller: Caller,
    store: Store,
    vault: Vault,
    order: CreateConnection,
    plain: bytes,
    command: UUID | None,
) -> tuple[UUID, int]:
    id = uuid4()
    stream = connection_stream(id)

    async def append(details: str) -> int:
        proposed = ConnectionCreated(name=order.name, kind=order.type, details=details)

        async def decide() -> tuple[StreamId, Event]:
            holder = await find_connection_named(store.rows, order.name)
            (event,) = connection.create(proposed, taken=holder is not None)
            return stream, event

        return (await unique_append.append(caller, store, SUBJECTS, "name", decide, command))[1]

    return id, await append_sealed(store.log, vault, stream, plain, append)


async def _earlier(
    store: Store, vault: Vault, order: CreateConnection, plain: bytes, command: UUID | None
) -> tuple[UUID, int] | None:
    """The connection with that name, if an earlier try of this command has created it."""
    state = await find_connection_named(store.rows, order.name)
    seq = await idempotency.caused(store, command, connection_stream(state.id)) if state else None
    if state is None or seq is None:
        return None
    if state.kind != order.type or await vault.open(state.id, state.details) != plain:
        raise idempotency.another()
    return state.id, seq


def _encoded(order: CreateConnection) -> bytes:
    try:
        plain = msgspec.json.encode(order.details)
    except RecursionError:
        raise Rejected("invalid", "details: nested too deeply; flatten it") from None
    if len(plain) > MAX_DETAILS_BYTES:
        raise Rejected(
            "invalid", f"details: over {MAX_DETAILS_BYTES} bytes; keep large data elsewhere"
        )
    return plain


async def attach(caller: Caller, store: Store, where: Attachment) -> UUID:
    """Let the members of a workspace use it, and return the id of the attachment."""
    await access.workspace(caller.user, store.rows, where.workspace_id)
    state = await access.owned_connection(caller.user, store.rows, where.connection_id)
    await _change(
        caller, store, state.id, lambda state: connection.attach(state, where.workspace_id)
    )
    return connection.link_id(state.id, where.workspace_id)


async def detach(caller: Caller, store: Store, where: Attachment) -> None:
    """Take it from a workspace. Nothing happens if it is not attached there."""
    state = await _detachable(caller.user, store, where)
    await _change(
        caller, store, state.id, lambda state: connection.detach(state, where.workspace_id)
    )


async def _detachable(user: User, store: Store, where: Attachment) -> Connection:
    workspace = await access.workspace(user, store.rows, where.workspace_id)
    if workspace.members.get(str(user.id)) == "owner":
        return await access.connection(user, store.rows, where.connection_id, "connection_id")
    return await access.owned_connection(user, store.rows, where.connection_id)


async def delete(caller: Caller, store: Store, vault: Vault, name: str) -> None:
    """Delete it for good: first the event, then the key. `shredder` finishes an interrupted one."""
    state = await access.connection_named(caller.user, store.rows, name)
    await access.owned_connection(caller.user, store.rows, state.id, "name")
    seq = await _append(caller, store, state.id, connection.delete)
    await vault.shred(state.id)
    await store.visible(seq, state.id)


Decide = Callable[[Connection], Sequence[ConnectionEvent]]


async def _change(caller: Caller, store: Store, id: UUID, decide: Decide) -> None:
    await store.visible(await _append(caller, store, id, decide), id)


async def _append(caller: Caller, store: Store, id: UUID, decide: Decide) -> int:
    stream = connection_stream(id)
    return (await transact(store.log, stream, connection.evolve, decide, caller.context)).seq


async def rotate_keys(user: User, vault: Vault) -> int:
    """Wrap all data keys with the newest key of the ring; the result is how many were wrapped.

    Rejected("forbidden") unless `user` is an administrator.
    """
    if not user.admin:
        raise Rejected("forbidden", "keys: only administrators may rotate them; ask one")
    return await vault.rotate()


def shredder(vault: Vault) -> Handler:
    """A handler that destroys the key of every deleted connection."""

    async def handle(fact: Recorded) -> None:
        if isinstance(fact.event, ConnectionDeleted):
            await vault.shred(UUID(fact.stream.id))

    return handle
