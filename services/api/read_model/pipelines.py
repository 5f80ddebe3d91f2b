"""Pipelines and their versions (I8: of the workspaces that their reader may see). What is deleted
is not there."""

from collections.abc import Sequence
from uuid import UUID

from libs.domain.ids import pipeline_stream
from libs.domain.pipeline import Pipeline
from libs.domain.pipeline_version import PipelineVersion
from libs.domain.workspace import Workspace
from libs.postgres.statements import load
from services.api.read_model.models import Search
from services.api.read_model.row_types import (
    PIPELINE,
    PIPELINE_VERSION,
    WORKSPACE,
    Rows,
    searchable,
)

_SQL = load(__name__)


async def find_pipeline(rows: Rows, number: int) -> tuple[Pipeline, Workspace] | None:
    """A pipeline with its workspace, or None."""
    return _pipeline(await rows.fetchrow(_SQL["find_pipeline"], number))


async def find_pipeline_named(
    rows: Rows, workspace: int, name: str
) -> tuple[Pipeline, Workspace] | None:
    """As `find_pipeline`, by its name."""
    id = UUID(pipeline_stream(workspace, name).id)
    return _pipeline(await rows.fetchrow(_SQL["find_pipeline_with_id"], id))


def _pipeline(row: Sequence[bytes] | None) -> tuple[Pipeline, Workspace] | None:
    return (PIPELINE.decode(row[0]), WORKSPACE.decode(row[1])) if row else None


async def pipelines_with_ids(
    rows: Rows, ids: Sequence[UUID], deleted_too: bool = False
) -> dict[UUID, Pipeline]:
    """By id; those that are not there are left out, and those that are deleted unless they are
    asked for."""
    records = await rows.fetch(_SQL["pipelines_with_ids"], ids, deleted_too) if ids else []
    found = (PIPELINE.decode(row["state"]) for row in records)
    return {pipeline.id: pipeline for pipeline in found}


async def pipeline_page(
    rows: Rows, workspaces: Sequence[int], before: int, limit: int
) -> list[Pipeline]:
    """The newest `limit` with a number before `before`, newest first."""
    records = await rows.fetch(_SQL["pipeline_page"], workspaces, before, limit)
    return [PIPELINE.decode(row["state"]) for row in records]


async def pipeline_numbers(
    rows: Rows, workspaces: Sequence[int], limit: int
) -> dict[int, list[int]]:
    """By workspace, the numbers of its newest `limit`, oldest first."""
    found: dict[int, list[int]] = {id: [] for id in workspaces}
    for row in await rows.fetch(_SQL["pipeline_numbers"], workspaces, limit):
        found[row["workspace"]].append(row["number"])
    return found


async def search_pipelines(
    rows: Rows, workspaces: Sequence[int], term: str, before: int, limit: int
) -> list[Pipeline]:
    """As `pipeline_page`, those with a version or a tag that `term` is found in: a part of the name
    of the pipeline or of a model, whatever the case."""
    statement = _SQL["search_pipelines"]
    records = await rows.fetch(statement, workspaces, before, searchable(term), limit)
    return [PIPELINE.decode(row["state"]) for row in records]


async def pipelines_named(rows: Rows, name: str, workspaces: Sequence[int]) -> list[Pipeline]:
    """One a workspace at most, newest first."""
    records = await rows.fetch(_SQL["pipelines_named"], name, workspaces)
    return [PIPELINE.decode(row["state"]) for row in records]


async def pipelines_with_tag(
    rows: Rows, tag: UUID, workspaces: Sequence[int], limit: int
) -> list[Pipeline]:
    """Newest first."""
    records = await rows.fetch(_SQL["pipelines_with_tag"], tag, workspaces, limit)
    return [PIPELINE.decode(row["state"]) for row in records]


async def find_pipeline_version(
    rows: Rows, number: int
) -> tuple[PipelineVersion, Workspace] | None:
    """A version with its workspace, or None."""
    return _version(await rows.fetchrow(_SQL["find_pipeline_version"], number))


async def find_pipeline_version_with_id(
    rows: Rows, id: UUID
) -> tuple[PipelineVersion, Workspace] | None:
    """As `find_pipeline_version`, by the id, which is the version that people see."""
    return _version(await rows.fetchrow(_SQL["find_pipeline_version_with_id"], id))


async def find_served_version(rows: Rows, id: UUID) -> PipelineVersion | None:
    """What a deployment serves, or served last: it may be deleted since."""
    state = await rows.fetchval(_SQL["find_served_version"], id)
    return PIPELINE_VERSION.decode(state) if state else None


def _version(row: Sequence[bytes] | None) -> tuple[PipelineVersion, Workspace] | None:
    return (PIPELINE_VERSION.decode(row[0]), WORKSPACE.decode(row[1])) if row else None


async def versions_of_pipelines(
    rows: Rows, pipelines: Sequence[UUID], limit: int
) -> dict[UUID, list[PipelineVersion]]:
    """By pipeline, the newest `limit` versions, newest first."""
    records = await rows.fetch(_SQL["versions_of_pipelines"], pipelines, limit) if pipelines else []
    found: dict[UUID, list[PipelineVersion]] = {pipeline: [] for pipeline in pipelines}
    for row in records:
        version = PIPELINE_VERSION.decode(row["state"])
        found[version.pipeline].append(version)
    return found


async def search_pipeline_versions(
    rows: Rows,
    workspaces: Sequence[int],
    search: Search,
    limit: int,
    deployed: bool | None = None,
) -> list[PipelineVersion]:
    """Newest first; of pipelines that are `deployed` or not, if it is given."""
    records = await rows.fetch(
        _SQL["search_pipeline_versions"],
        workspaces,
        search.before,
        searchable(search.term),
        search.since,
        search.until,
        limit,
        deployed,
    )
    return [PIPELINE_VERSION.decode(row["state"]) for row in records]
