"""A workspace: a group of people and their work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.aio.connection import AsyncConnection
from rondo.html import Table
from rondo.records import WorkspaceRecord
from rondo.user import Member

if TYPE_CHECKING:
    from rondo.aio.connections import AsyncConnections


class AsyncWorkspace(WorkspaceRecord):
    """A group of people and their work. Members see all of it, others nothing."""

    def __init__(self, client: AsyncConnections, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    async def users(self) -> Table[Member]:
        """Its members."""
        body = {"workspace_id": self.id()}
        members = (await self._client.session.read("workspaces/list_users", body))["users"]
        return Table((Member(data) for data in members), "users")

    async def add_user(self, user_email: str) -> AsyncWorkspace:
        """Add a user as a collaborator, and return the workspace.

        Raises EntityNotFoundError when there is no such user.
        """
        return await self._add(user_email, "collaborator")

    async def add_owner(self, user_email: str) -> AsyncWorkspace:
        """Add a user as an owner, and return the workspace.

        Raises EntityNotFoundError when there is no such user.
        """
        return await self._add(user_email, "owner")

    async def remove_user(self, user_email: str) -> None:
        """Remove a member. It is no error when they are none."""
        body = {"email": user_email, "workspace_id": self.id()}
        await self._client.session.command("workspaces/remove_user", body, repeatable=True)

    async def list_connections(self) -> Table[AsyncConnection]:
        """The connections that its members may use, without their details."""
        return await self._client.connections_of(self.id())

    async def add_connection(self, name: str) -> None:
        """Let its members use the connection with that name.

        Raises ConnectionNotFound when there is none.
        """
        connection = await self._client.get_connection(name)
        await connection.add_connection_to_workspace(self.id())

    async def remove_connection(self, name: str) -> None:
        """Take the connection with that name from it; the connection itself stays.

        Raises ConnectionNotFound when there is none.
        """
        connection = await self._client.get_connection(name)
        await connection.remove_connection_from_workspace(self.id())

    async def _add(self, email: str, user_type: str) -> AsyncWorkspace:
        body = {"email": email, "workspace_id": self.id(), "user_type": user_type}
        await self._client.session.command("workspaces/add_user", body, repeatable=True)
        return self
