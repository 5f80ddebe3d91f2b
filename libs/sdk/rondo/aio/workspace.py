"""A workspace: what its members share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.aio.connection import AsyncConnection
from rondo.html import Table
from rondo.models import WorkspaceRecord
from rondo.user import Member

if TYPE_CHECKING:
    from rondo.aio.connections import AsyncConnections


class AsyncWorkspace(WorkspaceRecord):
    def __init__(self, client: AsyncConnections, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    async def users(self) -> Table[Member]:
        """Its members."""
        asked = {"workspace_id": self.id()}
        found = (await self._client.session.read("workspaces/list_users", asked))["users"]
        return Table((Member(data) for data in found), "users")

    async def add_user(self, user_email: str) -> AsyncWorkspace:
        """As a collaborator. EntityNotFoundError when there is no such user."""
        return await self._added(user_email, "collaborator")

    async def add_owner(self, user_email: str) -> AsyncWorkspace:
        """As an owner. EntityNotFoundError when there is no such user."""
        return await self._added(user_email, "owner")

    async def remove_user(self, user_email: str) -> None:
        """Nothing happens when they are no member."""
        order = {"email": user_email, "workspace_id": self.id()}
        await self._client.session.command("workspaces/remove_user", order, repeatable=True)

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

    async def _added(self, email: str, user_type: str) -> AsyncWorkspace:
        order = {"email": email, "workspace_id": self.id(), "user_type": user_type}
        await self._client.session.command("workspaces/add_user", order, repeatable=True)
        return self
