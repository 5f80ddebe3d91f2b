"""The part of a client that manages connections."""

from __future__ import annotations

from typing import Any

from rondo.aio.calls import AsyncCalls
from rondo.aio.connection import AsyncConnection
from rondo.errors import ConnectionNotFound, EntityNotFoundError
from rondo.html import Table


class AsyncConnections(AsyncCalls):
    """Connections to data sources."""

    async def list_connections(self) -> Table[AsyncConnection]:
        """All connections that you may see, without their details."""
        return await self.connections_of(None)

    async def get_connection(self, name: str) -> AsyncConnection:
        """The connection with that name.

        Raises ConnectionNotFound when there is none, or when you may not see it.
        """
        try:
            return AsyncConnection(self, await self.session.read("connections/get", {"name": name}))
        except EntityNotFoundError as missing:
            raise ConnectionNotFound(missing.message, missing.code, missing.status) from missing

    async def create_connection(
        self, name: str, connection_type: str, details: dict[str, Any]
    ) -> AsyncConnection:
        """Create a connection. The platform keeps `details` encrypted.

        `connection_type` is a word of your own, such as `POSTGRES`. Raises Conflict when the name
        is taken.
        """
        body = {"name": name, "type": connection_type, "details": details}
        id = await self.session.create("connections/create", body)
        return AsyncConnection(
            self, await self.session.read_new("connections/get_by_id", {"id": id})
        )

    async def connections_of(self, workspace_id: int | None) -> Table[AsyncConnection]:
        """The connections of a workspace, or with None all, without their details."""
        body = {} if workspace_id is None else {"workspace_id": workspace_id}
        connections = (await self.session.read("connections/list", body))["connections"]
        return Table((AsyncConnection(self, data) for data in connections), "connections")
