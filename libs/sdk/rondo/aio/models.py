"""The part of a client that uploads and finds models."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import Any

from rondo.aio.model import AsyncModel
from rondo.aio.model_version import AsyncModelVersion
from rondo.aio.workspaces import AsyncWorkspaces
from rondo.errors import EntityNotFoundError, ModelUploadFailed, RequestRefused
from rondo.framework import Framework
from rondo.html import Table
from rondo.multipart import Upload, source_file
from rondo.progress import Bar

_NATIVE = frozenset({Framework.ONNX, Framework.TENSORFLOW})


class AsyncModels(AsyncWorkspaces):
    """Models: uploading and finding them."""

    async def upload_model(
        self,
        name: str,
        path: str | os.PathLike[str] | None = None,
        framework: Framework | str | None = Framework.ONNX,
        input_schema: Any = None,
        output_schema: Any = None,
        convert_wait: bool | None = True,
        arch: str | None = None,
        accel: str | None = None,
        *,
        bytes_buffer: bytes | None = None,
        file_name: str | None = None,
        requirements: Sequence[str] = (),
    ) -> AsyncModelVersion:
        """Upload a model file to the current workspace, as a new version of the model `name`.

        Give either `path` or the file itself as `bytes_buffer`. It is sent from the disk, and never
        as a whole in memory. The platform loads the model once before anyone can deploy it;
        `convert_wait` waits for that.

        `input_schema` and `output_schema` are schemas of pyarrow, for frameworks that need them.
        `arch` and `accel` are those that the model needs; the default is what the platform has.
        `requirements` are packages that it needs, as lines of a requirements.txt; for scikit-learn
        and XGBoost, name the versions that have written the file.

        Raises ModelUploadFailed when the platform refuses the file, ModelFailed when the model
        can't be loaded, ValueError unless one of the two is given, OSError when `path` can't be
        read.
        """
        if (path is None) == (bytes_buffer is None):
            raise ValueError("path, bytes_buffer: give one of them")
        format = Framework(framework or Framework.ONNX)
        metadata = {
            "name": name,
            "visibility": "private",
            "workspace_id": (await self.get_current_workspace()).id(),
            "conversion": {
                **_present(framework=format.value, arch=arch, accel=accel),
                "requirements": list(requirements),
            },
            **_schemas(input_schema=input_schema, output_schema=output_schema),
        }
        file = source_file((path or "") if bytes_buffer is None else bytes_buffer)
        label = file_name or file.name
        with Bar(f"uploading {label}", file.size) as bar:
            upload = Upload(file.open, file.size, label, metadata, bar.move)
            id = await self._upload_model(format, upload)
        version = await AsyncModelVersion.of(self, id, new=True)
        return await version.wait() if convert_wait else version

    async def list_models(
        self, workspace_id: int | None = None, workspace_name: str | None = None
    ) -> Table[AsyncModel]:
        """The models of a workspace; without one, of the current workspace.

        Raises EntityNotFoundError when there is no workspace of that name.
        """
        id = await self._workspace_filter(workspace_id, workspace_name)
        id = (await self.get_current_workspace()).id() if id is None else id
        items = (await self.session.read("models/list", {"workspace_id": id}))["models"]
        return Table((AsyncModel(self, item["model"]) for item in items), "models")

    async def get_model(self, name: str, version: str | None = None) -> AsyncModelVersion:
        """The version with that id of a model of the current workspace, or its newest one.

        Raises EntityNotFoundError when there is none.
        """
        models = [model for model in await self.list_models() if model.name() == name]
        if not models:
            raise EntityNotFoundError(f"name: there is no model {name!r}", "not_found", 404)
        body = {"id": models[0].id()}
        for one in (await self.session.read("models/get", body))["models"]:
            if version in (None, one["model_version"]):
                return await AsyncModelVersion.of(self, one["id"])
        message = f"version: model {name!r} has no version {version!r}"
        raise EntityNotFoundError(message, "not_found", 404)

    async def _upload_model(self, format: Framework, upload: Upload) -> int:
        path = "models/upload" if format in _NATIVE else "models/upload_and_convert"
        try:
            answer = await self.session.upload(path, upload)
        except RequestRefused as refused:
            raise ModelUploadFailed(refused.message, refused.code, refused.status) from refused
        return int(answer["insert_models"]["returning"][0]["models"][0]["id"])


def _present(**values: str | None) -> dict[str, str]:
    return {name: str(value) for name, value in values.items() if value is not None}


def _schemas(**schemas: Any) -> dict[str, str]:
    """As Arrow serializes them, in base64."""
    given = {name: schema for name, schema in schemas.items() if schema is not None}
    return {
        name: base64.b64encode(bytes(schema.serialize())).decode() for name, schema in given.items()
    }
