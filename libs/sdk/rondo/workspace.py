# Made from aio/workspace.py by generate.py: change that one, then run this.
"""A workspace: what its members share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.connection import Connection
from rondo.html import Table
from rondo.models import WorkspaceRecord

if TYPE_CHECKING:
    from rondo.client import Client


class Workspace(WorkspaceRecord):
    def __init__(self, client: Client, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

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
