# Made from aio/connections.py by generate.py: change that one, then run this.
"""The part of a client that manages connections."""

from __future__ import annotations

from typing import Any

from rondo.calls import Calls
from rondo.connection import Connection
from rondo.errors import ConnectionNotFound, EntityNotFoundError
from rondo.html import Table


class Connections(Calls):
    """Connections to data sources."""

    def list_connections(self) -> Table[Connection]:
        """All connections that you may see, without their details."""
        return self.connections_of(None)

    def get_connection(self, name: str) -> Connection:
        """The connection with that name.

        Raises ConnectionNotFound when there is none, or when you may not see it.
        """
        try:
            return Connection(self, self.session.read("connections/get", {"name": name}))
        except EntityNotFoundError as missing:
            raise ConnectionNotFound(missing.message, missing.code, missing.status) from missing

    def create_connection(
        self, name: str, connection_type: str, details: dict[str, Any]
    ) -> Connection:
        """Create a connection. The platform keeps `details` encrypted.

        `connection_type` is a word of your own, such as `POSTGRES`. Raises Conflict when the name
        is taken.
        """
        body = {"name": name, "type": connection_type, "details": details}
        id = self.session.create("connections/create", body)
        return Connection(self, self.session.read_new("connections/get_by_id", {"id": id}))

    def connections_of(self, workspace_id: int | None) -> Table[Connection]:
        """The connections of a workspace, or with None all, without their details."""
        body = {} if workspace_id is None else {"workspace_id": workspace_id}
        connections = (self.session.read("connections/list", body))["connections"]
        return Table((Connection(self, data) for data in connections), "connections")
