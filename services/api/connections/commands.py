"""Connections: how to reach data sources. Their details lie sealed wherever they rest (I9).

Whoever created one may attach and delete it, as administrators may; members of the workspaces that
it is attached to may read it, details included. The owner of a workspace may detach it from there.
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
from libs.vault.vault import Shredded, Vault
from services.api import requests, wire
from services.api.access import authorize as access
from services.api.append import idempotency, unique_append
from services.api.append.sealed_append import append_sealed
from services.api.http.request_context import RequestContext
from services.api.read_model.connections import connections_of, find_connection_named

SUBJECTS = "event.0.connection.*"
MOST_DETAILS = 64 << 10  # bytes as JSON; sealed they travel in an event


async def create(call: RequestContext, body: requests.CreateConnection) -> wire.Created:
    plain, command = _encoded(body), idempotency.of_key(call, "connections/create")
    try:
        id, seq = await _create(call, body, plain, command)
    except Rejected as refused:
        taken = refused.code == "conflict"
        known = await _known(call, body, plain, command) if taken else None
        if known is None:
            raise
        id, seq = known
    await call.visible(seq, id)
    return wire.Created(id)


async def _create(
    call: RequestContext, body: requests.CreateConnection, plain: bytes, command: UUID | None
) -> tuple[UUID, int]:
    id = uuid4()
    stream = connection_stream(id)

    async def append(details: str) -> int:
        order = ConnectionCreated(name=body.name, kind=body.type, details=details)

        async def decide() -> tuple[StreamId, Event]:
            known = await find_connection_named(call.resources.rows, order.name)
            (event,) = connection.create(order, taken=known is not None)
            return stream, event

        return (await unique_append.append(call, SUBJECTS, "name", decide, command))[1]

    return id, await append_sealed(call, stream, plain, append)


async def _known(
    call: RequestContext, body: requests.CreateConnection, plain: bytes, command: UUID | None
) -> tuple[UUID, int] | None:
    """The connection of that name, if this command has made it before."""
    found = await find_connection_named(call.resources.rows, body.name)
    seq = await idempotency.caused(call, command, connection_stream(found.id)) if found else None
    if found is None or seq is None:
        return None
    if found.kind != body.type or await call.resources.vault.open(found.id, found.details) != plain:
        raise idempotency.another()
    return found.id, seq


def _encoded(body: requests.CreateConnection) -> bytes:
    try:
        plain = msgspec.json.encode(body.details)
    except RecursionError:
        raise Rejected("invalid", "details: nested too deeply; flatten it") from None
    if len(plain) > MOST_DETAILS:
        raise Rejected("invalid", f"details: over {MOST_DETAILS} bytes; keep large data elsewhere")
    return plain


async def get(call: RequestContext, body: requests.ConnectionByName) -> wire.Connection:
    return await _opened(call, await access.connection_named(call, body.name))


async def get_by_id(call: RequestContext, body: requests.ConnectionById) -> wire.Connection:
    return await _opened(call, await access.connection(call, body.id))


async def _opened(call: RequestContext, found: Connection) -> wire.Connection:
    try:
        details = await call.resources.vault.open(found.id, found.details)
    except Shredded:  # it is being deleted
        raise Rejected("not_found", f"id: connection {found.id} is deleted") from None
    return wire.Connection.of(found, await _names(call), details)


async def list_connections(
    call: RequestContext, body: requests.ListConnections
) -> wire.Connections:
    """Without details; oldest first."""
    rows = call.resources.rows
    if body.workspace_id is None:
        found = await access.connections(call, rows)
    else:
        await access.workspace(call, rows, body.workspace_id)
        found = await connections_of(rows, None, [body.workspace_id])
    names = await _names(call)
    return wire.Connections([wire.Connection.of(state, names) for state in found])


async def _names(call: RequestContext) -> dict[int, str]:
    """Of the workspaces that the caller may see; of the others not even the name is told."""
    visible = await access.workspaces(call, call.resources.rows)
    return {state.id: state.name for state in visible}


async def add_to_workspace(call: RequestContext, body: requests.Attachment) -> wire.Created:
    await access.workspace(call, call.resources.rows, body.workspace_id)
    found = await access.owned_connection(call, body.connection_id)
    await _change(call, found.id, lambda state: connection.attach(state, body.workspace_id))
    return wire.Created(connection.link_id(found.id, body.workspace_id))


async def remove_from_workspace(call: RequestContext, body: requests.Attachment) -> None:
    """Nothing happens when it is not attached there."""
    workspace = await access.workspace(call, call.resources.rows, body.workspace_id)
    if workspace.members.get(str(call.caller.id)) == "owner":
        found = await access.connection(call, body.connection_id, "connection_id")
    else:
        found = await access.owned_connection(call, body.connection_id)
    await _change(call, found.id, lambda state: connection.detach(state, body.workspace_id))


async def delete(call: RequestContext, body: requests.ConnectionByName) -> None:
    """First the event, then the key: `shredder` finishes what is interrupted between the two."""
    found = await access.connection_named(call, body.name)
    await access.owned_connection(call, found.id, "name")
    seq = await _append(call, found.id, connection.delete)
    await call.resources.vault.shred(found.id)
    await call.visible(seq, found.id)


async def _change(
    call: RequestContext, id: UUID, decide: Callable[[Connection], Sequence[ConnectionEvent]]
) -> None:
    await call.visible(await _append(call, id, decide), id)


async def _append(
    call: RequestContext, id: UUID, decide: Callable[[Connection], Sequence[ConnectionEvent]]
) -> int:
    stream = connection_stream(id)
    evolve = connection.evolve
    return (await transact(call.resources.log, stream, evolve, decide, call.context)).seq


async def rotate_keys(call: RequestContext, _: requests.Nothing) -> wire.KeysRotated:
    """For administrators, after a key was added to the ring."""
    if not call.caller.admin:
        raise Rejected("forbidden", "keys: only administrators may rotate them; ask one")
    return wire.KeysRotated(await call.resources.vault.rotate())


def shredder(vault: Vault) -> Handler:
    """The reaction that destroys the key of every deleted connection."""

    async def handle(fact: Recorded) -> None:
        if isinstance(fact.event, ConnectionDeleted):
            await vault.shred(UUID(fact.stream.id))

    return handle
