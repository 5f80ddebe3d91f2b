"""Bodies and answers of the routes for models: names and order of the MLOps API."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from libs.domain import model, values
from libs.domain import model_version as states
from libs.domain.workspace import Workspace as WorkspaceState
from services.api.fields import VERSION, Few, Instant, Number, WorkspaceId
from services.api.workspaces.schemas import Workspace

# The runtime of what is served here, as clients know it: in the engine, not in a container.
RUNTIME = "onnx"
Status = Literal["pending_load_native", "attempting_load_container", "ready", "error"]
_STATUSES: dict[str, Status] = {
    "pending": "pending_load_native",
    "ready": "ready",
    "error": "error",
    "deleted": "error",
}
ModelName = Annotated[str, Meta(description="Name of the model.", examples=["house-price"])]


def status(state: states.ModelVersion) -> Status:
    """As clients know it."""
    if state.status == "pending" and state.environment:
        return "attempting_load_container"
    return _STATUSES[state.status]


class VersionByNumber(msgspec.Struct):
    model_version_id: Number


class Batching(msgspec.Struct, kw_only=True):
    """Small requests wait up to `max_batch_delay_ms` for others, to be run together up to
    `batch_size_target` rows; one of more than `batch_size_limit` rows is refused."""

    max_batch_delay_ms: Few = 10
    batch_size_target: Annotated[int, Meta(ge=1, le=100_000)] = 4
    batch_size_limit: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None

    @property
    def value(self) -> values.Batching:
        return values.Batching(**msgspec.structs.asdict(self))


def batching(state: values.Batching | None) -> Batching | None:
    return None if state is None else Batching(**msgspec.structs.asdict(state))


class InsertConfig(msgspec.Struct, kw_only=True):
    """How deployments from now on use the version. The i-th of `tensor_fields` is the column for
    the i-th input."""

    model_version_id: Number
    tensor_fields: list[str] | None = None
    filter_threshold: float | None = None
    input_schema: Annotated[str, Meta(max_length=64 << 10)] | None = None
    output_schema: Annotated[str, Meta(max_length=64 << 10)] | None = None
    batch_config: Annotated[str, Meta(max_length=64)] | None = None
    dynamic_batching_config: Batching | None = None


class ModelConfig(msgspec.Struct, kw_only=True):
    """How deployments use a version."""

    id: int
    model_version_id: int
    runtime: str = RUNTIME
    tensor_fields: list[str] | None = None
    filter_threshold: float | None = None
    input_schema: str | None = None
    output_schema: str | None = None
    batch_config: str | None = None
    dynamic_batching_config: Batching | None = None
    sidekick_uri: str | None = None

    @staticmethod
    def of(config: states.Config, version: int) -> "ModelConfig":
        return ModelConfig(
            id=config.number,
            model_version_id=version,
            tensor_fields=config.tensor_fields or None,
            filter_threshold=config.filter_threshold,
            input_schema=config.input_schema or None,
            output_schema=config.output_schema or None,
            batch_config=config.batch_config or None,
            dynamic_batching_config=batching(config.batching),
        )


class ConfigAnswer(msgspec.Struct):
    model_config: ModelConfig


class ConfigOf(msgspec.Struct):
    """`model_id` is the number of the version."""

    model_id: Number


class FileInfo(msgspec.Struct):
    version: UUID
    sha: str
    file_name: str
    size: int


class ModelVersion(msgspec.Struct, kw_only=True):
    """`error_summary` says why its status is `error`; `inputs` and `outputs` are known once it is
    `ready`."""

    id: int
    name: str
    visibility: str = "private"
    workspace_id: int
    conversion: dict[str, Any]
    status: Status
    error_summary: str | None
    image_path: str | None = None
    task_id: str | None = None
    file_info: FileInfo
    created_on_version: str = VERSION
    created_by: str
    created_at: Instant
    deployed: bool
    inputs: list[values.TensorSpec]
    outputs: list[values.TensorSpec]

    @staticmethod
    def of(state: states.ModelVersion, deployed: bool) -> "ModelVersion":
        return ModelVersion(
            id=state.number,
            name=state.name,
            workspace_id=state.workspace,
            conversion=state.conversion,
            status=status(state),
            error_summary=state.reason or None,
            file_info=FileInfo(state.id, state.sha, state.file_name, state.file_size),
            created_by=state.owner,
            created_at=state.created_at,
            deployed=deployed,
            inputs=state.inputs,
            outputs=state.outputs,
        )


class ConfiguredModelVersion(msgspec.Struct):
    model_version: ModelVersion
    config: ModelConfig

    @staticmethod
    def of(state: states.ModelVersion, deployed: bool) -> "ConfiguredModelVersion":
        return ConfiguredModelVersion(
            ModelVersion.of(state, deployed), ModelConfig.of(state.config, state.number)
        )


class VersionAnswer(msgspec.Struct):
    model_version: ConfiguredModelVersion


class ListModels(msgspec.Struct):
    """Of a workspace, by its number or its name, or of all that you may see."""

    workspace_id: WorkspaceId | None = None
    workspace_name: str | None = None


class Model(msgspec.Struct):
    """`updated_at` is when its newest version was uploaded."""

    id: int
    name: str
    owner_id: str
    workspace_id: int
    created_at: Instant
    updated_at: Instant

    @staticmethod
    def of(state: model.Model, newest: states.ModelVersion | None) -> "Model":
        updated_at = newest.created_at if newest else state.created_at
        return Model(
            state.number, state.name, state.owner, state.workspace, state.created_at, updated_at
        )


class ModelItem(msgspec.Struct):
    """`model_versions` is always empty: `models/get` has them."""

    model: Model
    workspace: Workspace
    model_versions: list[ConfiguredModelVersion] = []


class Models(msgspec.Struct):
    models: list[ModelItem]


class ModelByNumber(msgspec.Struct):
    id: Number


class ShortVersion(msgspec.Struct, kw_only=True):
    """`model_id` is the name of its model, `models_pk_id` the number; `model_version` is the
    version as people see it."""

    id: int
    sha: str
    models_pk_id: int
    model_version: UUID
    owner_id: str
    model_id: str
    file_name: str
    image_path: str | None = None
    status: Status

    @staticmethod
    def of(state: states.ModelVersion, owner: model.Model) -> "ShortVersion":
        return ShortVersion(
            id=state.number,
            sha=state.sha,
            models_pk_id=owner.number,
            model_version=state.id,
            owner_id=state.owner,
            model_id=state.name,
            file_name=state.file_name,
            status=status(state),
        )


class ModelWithVersions(msgspec.Struct, kw_only=True):
    """`models` are its versions, newest first."""

    id: int
    name: str
    owner_id: str
    workspace: Workspace
    models: list[ShortVersion]
    created_at: Instant
    updated_at: Instant

    @staticmethod
    def of(
        state: model.Model,
        workspace: WorkspaceState,
        versions: Sequence[states.ModelVersion],
    ) -> "ModelWithVersions":
        return ModelWithVersions(
            id=state.number,
            name=state.name,
            owner_id=state.owner,
            workspace=Workspace.of(workspace),
            models=[ShortVersion.of(each, state) for each in versions],
            created_at=state.created_at,
            updated_at=versions[0].created_at if versions else state.created_at,
        )


class VersionsOf(msgspec.Struct):
    """Of a model, by its number; `model_id` is its name."""

    models_pk_id: Number
    model_id: str | None = None


class UploadLogsOf(msgspec.Struct):
    model_version_id: Number
    lines: Few | None = None


class UploadLogs(msgspec.Struct):
    logs: list[str]


class DeleteModel(msgspec.Struct):
    """`model_id` is its name. With `confirm_delete` false you only get how many bytes it has."""

    model_id: ModelName
    workspace_id: WorkspaceId
    confirm_delete: bool = True


class DeleteVersions(msgspec.Struct):
    """With `confirm_delete` false you only get how many bytes they have."""

    model_versions: Annotated[list[UUID], Meta(max_length=1000)]
    confirm_delete: bool = True


class Deleted(msgspec.Struct):
    bytes: int
