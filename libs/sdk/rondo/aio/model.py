"""A model: a name under which versions are uploaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.aio.model_version import AsyncModelVersion
from rondo.html import Table
from rondo.inference_records import ModelRecord

if TYPE_CHECKING:
    from rondo.aio.calls import AsyncCalls


class AsyncModel(ModelRecord):
    """A model of a workspace."""

    def __init__(self, client: AsyncCalls, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    async def versions(self) -> Table[AsyncModelVersion]:
        """Its versions, newest first."""
        answer = await self._client.session.read("models/get", {"id": self.id()})
        versions = [await AsyncModelVersion.of(self._client, one["id"]) for one in answer["models"]]
        return Table(versions, "versions")

    async def delete(self) -> None:
        """Delete it with all its versions. Raises Conflict while one of them is deployed."""
        workspace = self._data["workspace_id"]
        body = {"model_id": self.name(), "workspace_id": workspace, "confirm_delete": True}
        await self._client.session.command("models/delete_model", body, repeatable=True)
