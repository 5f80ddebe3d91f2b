# Made from aio/model_version.py by generate.py: change that one, then run this.
"""A version of a model: an uploaded file, and how pipelines use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rondo.errors import ModelFailed
from rondo.html import Table
from rondo.inference_records import LOOKED_AT, ModelVersionRecord
from rondo.polling import until
from rondo.progress import Spinner
from rondo.session import CALL_PATIENCE_SECONDS, WAIT_PATIENCE_SECONDS
from rondo.tag import Tag

if TYPE_CHECKING:
    from rondo.calls import Calls

_PATH = "models/get_version_by_id"
_TAGS = "query ModelTags($id: bigint!) { model_by_pk(id: $id) { model_tags { tag { id tag } } } }"


class ModelVersion(ModelVersionRecord):
    """An uploaded model file. Once it is ready, pipelines can run it."""

    def __init__(self, client: Calls, data: dict[str, Any]) -> None:
        super().__init__(data["model_version"], client.time_format)
        self._client = client
        self._config: dict[str, Any] = data["config"]

    @staticmethod
    def of(client: Calls, id: int, new: bool = False) -> ModelVersion:
        """The version with that number; a `new` one is there even if reads lag."""
        read = client.session.read_new if new else client.session.read
        answer = read(_PATH, {"model_version_id": id})
        return ModelVersion(client, answer["model_version"])

    def status(self) -> str:
        """Its status now: `ready`, `error`, or something else while it is looked at."""
        return str((self._refresh(CALL_PATIENCE_SECONDS))["status"])

    def error_summary(self) -> str:
        """Why its status is `error`, or "" when it is not."""
        return str((self._refresh(CALL_PATIENCE_SECONDS)).get("error_summary") or "")

    def wait(self, timeout: float | None = None) -> ModelVersion:
        """Wait until it is ready, and return itself. A terminal shows the progress.

        Raises TimeoutError after `timeout` seconds, ModelFailed with the reason when it will never
        be ready.
        """
        with Spinner(f"checking {self.file_name()}") as spinner:

            def ready() -> ModelVersion | None:
                data = self._refresh(WAIT_PATIENCE_SECONDS)
                spinner.turn(data["status"])
                if data["status"] == "error":
                    raise ModelFailed(str(data.get("error_summary")), "model_failed")
                return self if data["status"] in LOOKED_AT else None

            return until(ready, f"model {self.name()!r} to be ready", timeout)

    def config(self) -> dict[str, Any]:
        """How deployments from now on use it: `tensor_fields`, `runtime` and more."""
        return dict(self._config)

    def configure(
        self,
        runtime: str | None = None,
        tensor_fields: Iterable[str] | None = None,
        filter_threshold: float | None = None,
        batch_config: str | None = None,
        dynamic_batching_config: Mapping[str, int | None] | None = None,
    ) -> ModelVersion:
        """Say how deployments from now on use it, and return itself.

        - `tensor_fields` names the columns that feed its inputs, in their order. Without them a
          column feeds the input of the same name; a model with one input takes the only column.
        - `dynamic_batching_config` joins small requests: a `DynamicBatchingConfig`.
        - `runtime`, `filter_threshold` and `batch_config` are accepted for older scripts.
        """
        body: dict[str, Any] = {
            "model_version_id": self.id(),
            "tensor_fields": list(tensor_fields or []),
            "filter_threshold": filter_threshold,
            "batch_config": batch_config,
            "dynamic_batching_config": dynamic_batching_config,
        }
        body = {name: value for name, value in body.items() if value or name == "model_version_id"}
        answer = self._client.session.command("models/insert_model_config", body)
        self._config = answer["model_config"]
        return self

    def get_upload_logs(self, limit: int | None = None) -> list[str]:
        """What became of the upload, oldest first; the last `limit` lines of it."""
        body = {"model_version_id": self.id(), "lines": limit}
        return list((self._client.session.read("models/get_upload_logs", body))["logs"])

    def tags(self) -> Table[Tag]:
        """The tags on it."""
        data = self._client.session.graphql(_TAGS, {"id": self.id()})
        found = data["model_by_pk"]["model_tags"]
        return Table((Tag(self._client, one["tag"]) for one in found), "tags")

    def delete(self) -> None:
        """Delete it, and its file. Raises Conflict while it is deployed."""
        body = {"model_versions": [self.version()], "confirm_delete": True}
        self._client.session.command("models/delete_model_versions", body, repeatable=True)

    def _refresh(self, patience: float) -> dict[str, Any]:
        body = {"model_version_id": self.id()}
        answer = (self._client.session.read(_PATH, body, patience))["model_version"]
        self._data.update(answer["model_version"])
        self._config = answer["config"]
        return self._data
