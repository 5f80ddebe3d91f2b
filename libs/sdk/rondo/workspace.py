# Made from aio/workspace.py by generate.py: change that one, then run this.
"""A workspace: a group of people and their work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.connection import Connection
from rondo.html import Table
from rondo.records import WorkspaceRecord
from rondo.user import Member

if TYPE_CHECKING:
    from rondo.connections import Connections


class Workspace(WorkspaceRecord):
    """A group of people and their work. Members see all of it, others nothing."""

    def __init__(self, client: Connections, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    def users(self) -> Table[Member]:
        """Its members."""
        body = {"workspace_id": self.id()}
        members = (self._client.session.read("workspaces/list_users", body))["users"]
        return Table((Member(data) for data in members), "users")

    def add_user(self, user_email: str) -> Workspace:
        """Add a user as a collaborator, and return the workspace.

        Raises EntityNotFoundError when there is no such user.
        """
        return self._add(user_email, "collaborator")

    def add_owner(self, user_email: str) -> Workspace:
        """Add a user as an owner, and return the workspace.

        Raises EntityNotFoundError when there is no such user.
        """
        return self._add(user_email, "owner")

    def remove_user(self, user_email: str) -> None:
        """Remove a member. It is no error when they are none."""
        body = {"email": user_email, "workspace_id": self.id()}
        self._client.session.command("workspaces/remove_user", body, repeatable=True)

    def list_connections(self) -> Table[Connection]:
        """The connections that its members may use, without their details."""
        return self._client.connections_of(self.id())

    def add_connection(self, name: str) -> None:
        """Let its members use the connection with that name.

        Raises ConnectionNotFound when there is none.
        """
        connection = self._client.get_connection(name)
        connection.add_connection_to_workspace(self.id())

    def remove_connection(self, name: str) -> None:
        """Take the connection with that name from it; the connection itself stays.

        Raises ConnectionNotFound when there is none.
        """
        connection = self._client.get_connection(name)
        connection.remove_connection_from_workspace(self.id())

    def _add(self, email: str, user_type: str) -> Workspace:
        body = {"email": email, "workspace_id": self.id(), "user_type": user_type}
        self._client.session.command("workspaces/add_user", body, repeatable=True)
        return self
