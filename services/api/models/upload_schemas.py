"""What comes with an upload of a model, and its answer: names of the MLOps API."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from services.api.fields import WorkspaceId


class UploadMetadata(msgspec.Struct):
    """Without a name the model has that of the file. `conversion` says what the file is:
    `{"framework": "onnx", "arch": "x86", "accel": "none", ...}`. Schemas are Arrow's, in base64."""

    workspace_id: WorkspaceId
    name: str | None = None
    visibility: str = "private"
    conversion: dict[str, Any] | None = None
    input_schema: Annotated[str, Meta(max_length=64 << 10)] | None = None
    output_schema: Annotated[str, Meta(max_length=64 << 10)] | None = None
    image_path: str | None = None


class UploadForm(msgspec.Struct):
    """`file` is the model. The parts may be in any order."""

    file: bytes
    metadata: UploadMetadata


class UploadedVersion(msgspec.Struct):
    id: int


class UploadedVersions(msgspec.Struct):
    models: list[UploadedVersion]


class Returning(msgspec.Struct):
    returning: list[UploadedVersions]


class Uploaded(msgspec.Struct):
    """`id` is the number of the new version."""

    insert_models: Returning

    @staticmethod
    def of(number: int) -> "Uploaded":
        return Uploaded(Returning([UploadedVersions([UploadedVersion(number)])]))
