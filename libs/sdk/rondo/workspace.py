# Made from aio/workspace.py by generate.py: change that one, then run this.
"""A workspace: what its members share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.connection import Connection
from rondo.html import Table
from rondo.models import WorkspaceRecord
from rondo.user import Member

if TYPE_CHECKING:
    from rondo.connections import Connections


class Workspace(WorkspaceRecord):
    def __init__(self, client: Connections, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    def users(self) -> Table[Member]:
        """Its members."""
        asked = {"workspace_id": self.id()}
        found = (self._client.session.read("workspaces/list_users", asked))["users"]
        return Table((Member(data) for data in found), "users")

    def add_user(self, user_email: str) -> Workspace:
        """As a collaborator. EntityNotFoundError when there is no such user."""
        return self._added(user_email, "collaborator")

    def add_owner(self, user_email: str) -> Workspace:
        """As an owner. EntityNotFoundError when there is no such user."""
        return self._added(user_email, "owner")

    def remove_user(self, user_email: str) -> None:
        """Nothing happens when they are no member."""
        order = {"email": user_email, "workspace_id": self.id()}
        self._client.session.command("workspaces/remove_user", order, repeatable=True)

    def list_connections(self) -> Table[Connection]:
        return self._client.connections_of(self.id())

    def add_connection(self, name: str) -> None:
        """Lets the members use the connection of that name. ConnectionNotFound."""
        connection = self._client.get_connection(name)
        connection.add_connection_to_workspace(self.id())

    def remove_connection(self, name: str) -> None:
        """From this workspace; the connection itself stays. ConnectionNotFound."""
        connection = self._client.get_connection(name)
        connection.remove_connection_from_workspace(self.id())

    def _added(self, email: str, user_type: str) -> Workspace:
        order = {"email": email, "workspace_id": self.id(), "user_type": user_type}
        self._client.session.command("workspaces/add_user", order, repeatable=True)
        return self
