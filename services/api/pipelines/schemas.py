"""Bodies and answers of the routes for pipelines: names and order of the MLOps API."""

from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta

from libs.domain import pipeline
from libs.domain.pipeline_version import PipelineVersion
from libs.domain.workspace import Workspace
from services.api.fields import Instant, WorkspaceId

PipelineName = Annotated[str, Meta(description="Name of the pipeline.", examples=["houseprice"])]


class CreatePipeline(msgspec.Struct):
    """`definition` is `{"steps": [...]}`; see docs/pipelines.md for the steps."""

    pipeline_id: PipelineName
    workspace_id: WorkspaceId
    definition: dict[str, Any] | None = None


class PipelineCreated(msgspec.Struct):
    """The numbers of the pipeline and of its new version, and the version as people see it."""

    pipeline_pk_id: int
    pipeline_variant_pk_id: int
    pipeline_variant_version: UUID


class PipelineByName(msgspec.Struct):
    pipeline_name: PipelineName
    workspace_id: WorkspaceId


class PipelineById(msgspec.Struct):
    """`pipeline_id` is its name."""

    pipeline_id: PipelineName
    workspace_id: WorkspaceId


class ListPipelines(msgspec.Struct):
    """Without either, all that you may see."""

    workspace_id: WorkspaceId | None = None
    workspace_name: str | None = None


class VersionById(msgspec.Struct):
    version: UUID


class PipelineVersions(msgspec.Struct):
    pipeline_versions: Annotated[list[UUID], Meta(max_length=1000)]


class Version(msgspec.Struct):
    """`pipeline_id` is the name of the pipeline."""

    pipeline_id: str
    version: UUID
    definition: dict[str, Any]

    @staticmethod
    def of(state: PipelineVersion) -> "Version":
        return Version(state.name, state.id, state.definition)


class SeenPipeline(NamedTuple):
    """A pipeline, its workspace, and when its newest version was created."""

    state: pipeline.Pipeline
    workspace: Workspace
    updated_at: datetime


class Pipeline(msgspec.Struct):
    """`updated_at` is when its newest version was created."""

    id: int
    name: str
    created_at: Instant
    updated_at: Instant
    owner_id: str

    @staticmethod
    def of(seen: SeenPipeline) -> "Pipeline":
        state = seen.state
        return Pipeline(state.number, state.name, state.created_at, seen.updated_at, state.owner)


class ItsWorkspace(msgspec.Struct):
    id: int
    name: str
    created_at: Instant
    created_by: str
    archived: bool = False

    @staticmethod
    def of(state: Workspace) -> "ItsWorkspace":
        return ItsWorkspace(state.id, state.name, state.created_at, state.created_by)


class LegacyVersion(msgspec.Struct):
    """`id` is the name of the pipeline."""

    id: str
    workspace_id: int
    created_at: Instant
    created_by: str
    version: UUID
    steps: list[dict[str, Any]]

    @staticmethod
    def of(state: PipelineVersion) -> "LegacyVersion":
        return LegacyVersion(
            state.name, state.workspace, state.created_at, state.owner, state.id, state.steps
        )


class PipelineItem(msgspec.Struct, omit_defaults=True):
    """`plateau_topic` names its log; `pipeline_version` is only in lists of versions."""

    pipeline: Pipeline
    plateau_topic: str
    workspace: ItsWorkspace
    pipeline_version: LegacyVersion | None = None

    @staticmethod
    def of(seen: SeenPipeline, version: PipelineVersion | None = None) -> "PipelineItem":
        return PipelineItem(
            Pipeline.of(seen),
            topic(seen.state.workspace, seen.state.name),
            ItsWorkspace.of(seen.workspace),
            LegacyVersion.of(version) if version else None,
        )


def topic(workspace: int, pipeline: str) -> str:
    """Names the log of a pipeline."""
    return f"workspace-{workspace}-pipeline-{pipeline}-inference"


class Pipelines(msgspec.Struct):
    pipelines: list[PipelineItem]


class ListedVersions(msgspec.Struct):
    pipeline_versions: list[PipelineItem]
