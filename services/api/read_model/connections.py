"""Reads of connections. A deleted one does not exist here."""

from collections.abc import Sequence
from uuid import UUID

from libs.domain.connection import Connection
from libs.postgres.statements import load
from services.api.read_model.row_types import CONNECTION, Rows, storable

_SQL = load(__name__)


async def find_connection(rows: Rows, id: UUID) -> Connection | None:
    """A connection, or None."""
    state = await rows.fetchval(_SQL["find_connection"], id)
    return CONNECTION.decode(state) if state else None


async def find_connection_named(rows: Rows, name: str) -> Connection | None:
    state = await rows.fetchval(_SQL["find_connection_named"], storable(name))
    return CONNECTION.decode(state) if state else None


async def connections_of(
    rows: Rows, creator: str | None, workspaces: Sequence[int] | None
) -> list[Connection]:
    """Connections of a creator and those attached to any of `workspaces`, or all; oldest first."""
    records = await rows.fetch(_SQL["connections_of"], creator, workspaces)
    return [CONNECTION.decode(row["state"]) for row in records]


async def deleted_connections(rows: Rows) -> list[UUID]:
    return [row["id"] for row in await rows.fetch(_SQL["deleted_connections"])]
