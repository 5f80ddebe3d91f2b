# Made from aio/connections.py by generate.py: change that one, then run this.
"""The part of a client that is about connections."""

from __future__ import annotations

from typing import Any

from rondo.calls import Calls
from rondo.connection import Connection
from rondo.errors import ConnectionNotFound, EntityNotFoundError
from rondo.html import Table


class Connections(Calls):
    def list_connections(self) -> Table[Connection]:
        """Without their details."""
        return self.connections_of(None)

    def get_connection(self, name: str) -> Connection:
        """ConnectionNotFound."""
        try:
            return Connection(self, self.session.read("connections/get", {"name": name}))
        except EntityNotFoundError as missing:
            raise ConnectionNotFound(missing.message, missing.code, missing.status) from missing

    def create_connection(
        self, name: str, connection_type: str, details: dict[str, Any]
    ) -> Connection:
        """`details` are kept encrypted. Conflict when the name is taken."""
        order = {"name": name, "type": connection_type, "details": details}
        id = self.session.create("connections/create", order)
        return Connection(self, self.session.created("connections/get_by_id", {"id": id}))

    def connections_of(self, workspace_id: int | None) -> Table[Connection]:
        asked = {} if workspace_id is None else {"workspace_id": workspace_id}
        found = (self.session.read("connections/list", asked))["connections"]
        return Table((Connection(self, data) for data in found), "connections")
