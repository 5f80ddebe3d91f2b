# Made from aio/model.py by generate.py: change that one, then run this.
"""A model: a name under which versions are uploaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.html import Table
from rondo.inference_records import ModelRecord
from rondo.model_version import ModelVersion

if TYPE_CHECKING:
    from rondo.calls import Calls


class Model(ModelRecord):
    """A model of a workspace."""

    def __init__(self, client: Calls, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    def versions(self) -> Table[ModelVersion]:
        """Its versions, newest first."""
        answer = self._client.session.read("models/get", {"id": self.id()})
        versions = [ModelVersion.of(self._client, one["id"]) for one in answer["models"]]
        return Table(versions, "versions")

    def delete(self) -> None:
        """Delete it with all its versions. Raises Conflict while one of them is deployed."""
        workspace = self._data["workspace_id"]
        body = {"model_id": self.name(), "workspace_id": workspace, "confirm_delete": True}
        self._client.session.command("models/delete_model", body, repeatable=True)
