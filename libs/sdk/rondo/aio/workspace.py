"""A workspace: what its members share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.aio.connection import AsyncConnection
from rondo.html import Table
from rondo.models import WorkspaceRecord

if TYPE_CHECKING:
    from rondo.aio.client import AsyncClient


class AsyncWorkspace(WorkspaceRecord):
    def __init__(self, client: AsyncClient, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    async def list_connections(self) -> Table[AsyncConnection]:
        return await self._client.connections_of(self.id())

    async def add_connection(self, name: str) -> None:
        """Lets the members use the connection of that name. ConnectionNotFound."""
        connection = await self._client.get_connection(name)
        await connection.add_connection_to_workspace(self.id())

    async def remove_connection(self, name: str) -> None:
        """From this workspace; the connection itself stays. ConnectionNotFound."""
        connection = await self._client.get_connection(name)
        await connection.remove_connection_from_workspace(self.id())
