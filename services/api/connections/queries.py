"""Connections as their readers may see them."""

from uuid import UUID

from libs.domain.connection import Connection
from libs.domain.errors import Rejected
from libs.identity.users import User
from libs.vault.vault import Shredded, Vault
from services.api.access import authorize as access
from services.api.connections import schemas
from services.api.read_model.connections import connections_of
from services.api.read_model.row_types import Rows


async def named(user: User, rows: Rows, vault: Vault, name: str) -> schemas.Connection:
    """A connection with its details, which are opened for this answer only."""
    return await _opened(user, rows, vault, await access.connection_named(user, rows, name))


async def by_id(user: User, rows: Rows, vault: Vault, id: UUID) -> schemas.Connection:
    """As `named`, by id."""
    return await _opened(user, rows, vault, await access.connection(user, rows, id))


async def _opened(user: User, rows: Rows, vault: Vault, state: Connection) -> schemas.Connection:
    try:
        details = await vault.open(state.id, state.details)
    except Shredded:  # it is being deleted
        raise Rejected("not_found", f"id: connection {state.id} is deleted") from None
    return schemas.Connection.of(state, await _workspace_names(user, rows), details)


async def listed(user: User, rows: Rows, workspace: int | None) -> list[schemas.Connection]:
    """Connections without their details, oldest first: of a workspace, or all for None."""
    if workspace is None:
        readable = await access.connections(user, rows)
    else:
        await access.workspace(user, rows, workspace)
        readable = await connections_of(rows, None, [workspace])
    names = await _workspace_names(user, rows)
    return [schemas.Connection.of(state, names) for state in readable]


async def _workspace_names(user: User, rows: Rows) -> dict[int, str]:
    """The names of the workspaces that the user may see; other names stay hidden."""
    return {state.id: state.name for state in await access.workspaces(user, rows)}
