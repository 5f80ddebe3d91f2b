"""The part of a client that is about connections."""

from __future__ import annotations

from typing import Any

from rondo.aio.calls import AsyncCalls
from rondo.aio.connection import AsyncConnection
from rondo.errors import ConnectionNotFound, EntityNotFoundError
from rondo.html import Table


class AsyncConnections(AsyncCalls):
    async def list_connections(self) -> Table[AsyncConnection]:
        """Without their details."""
        return await self.connections_of(None)

    async def get_connection(self, name: str) -> AsyncConnection:
        """ConnectionNotFound."""
        try:
            return AsyncConnection(self, await self.session.read("connections/get", {"name": name}))
        except EntityNotFoundError as missing:
            raise ConnectionNotFound(missing.message, missing.code, missing.status) from missing

    async def create_connection(
        self, name: str, connection_type: str, details: dict[str, Any]
    ) -> AsyncConnection:
        """`details` are kept encrypted. Conflict when the name is taken."""
        order = {"name": name, "type": connection_type, "details": details}
        id = await self.session.create("connections/create", order)
        return AsyncConnection(
            self, await self.session.created("connections/get_by_id", {"id": id})
        )

    async def connections_of(self, workspace_id: int | None) -> Table[AsyncConnection]:
        asked = {} if workspace_id is None else {"workspace_id": workspace_id}
        found = (await self.session.read("connections/list", asked))["connections"]
        return Table((AsyncConnection(self, data) for data in found), "connections")
