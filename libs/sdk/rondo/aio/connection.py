"""A connection: how to reach a data source, kept secret by the platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.records import ConnectionRecord

if TYPE_CHECKING:
    from rondo.aio.calls import AsyncCalls


class AsyncConnection(ConnectionRecord):
    """The named, encrypted credentials of a data source."""

    def __init__(self, client: AsyncCalls, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    async def details(self) -> dict[str, Any]:
        """The secret part. It is fetched when it is not here yet: listings come without it."""
        if self._data.get("details") is None:
            body = {"id": self.id()}
            self._data.update(await self._client.session.read("connections/get_by_id", body))
        return dict(self._data.get("details") or {})

    async def delete_connection(self) -> None:
        """Delete it from the platform, and so from every workspace. Nobody can recover it."""
        await self._client.session.command("connections/delete", {"name": self.name()})

    async def add_connection_to_workspace(self, workspace_id: int) -> None:
        """Let the members of that workspace use it.

        Raises EntityNotFoundError when there is no such workspace.
        """
        body = {"workspace_id": workspace_id, "connection_id": self.id()}
        await self._client.session.command("connections/add_to_workspace", body)

    async def remove_connection_from_workspace(self, workspace_id: int) -> None:
        """Take it from that workspace; the connection itself stays."""
        body = {"workspace_id": workspace_id, "connection_id": self.id()}
        await self._client.session.command("connections/remove_from_workspace", body)
