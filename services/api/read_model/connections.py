"""Connections; one that is deleted is not there any more."""

from collections.abc import Sequence
from uuid import UUID

from libs.domain.connection import Connection
from services.api.read_model.row_types import CONNECTION, Rows, storable


async def find_connection(rows: Rows, id: UUID) -> Connection | None:
    """None too when it is deleted; so in all of these."""
    state = await rows.fetchval("SELECT state FROM connection WHERE id = $1 AND NOT deleted", id)
    return CONNECTION.decode(state) if state else None


async def find_connection_named(rows: Rows, name: str) -> Connection | None:
    query = "SELECT state FROM connection WHERE name = $1 AND NOT deleted"
    state = await rows.fetchval(query, storable(name))
    return CONNECTION.decode(state) if state else None


async def connections_of(
    rows: Rows, creator: str | None, workspaces: Sequence[int] | None
) -> list[Connection]:
    """Those of a creator and those attached to any of `workspaces`, or all; oldest first."""
    found = await rows.fetch(
        """SELECT state FROM connection WHERE NOT deleted
        AND ($2::bigint[] IS NULL OR created_by = $1 OR workspaces && $2) ORDER BY created_seq""",
        creator,
        workspaces,
    )
    return [CONNECTION.decode(row["state"]) for row in found]


async def deleted_connections(rows: Rows) -> list[UUID]:
    return [row["id"] for row in await rows.fetch("SELECT id FROM connection WHERE deleted")]
