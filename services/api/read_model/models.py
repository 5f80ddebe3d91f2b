"""Models and their versions (I8: of the workspaces that their reader may see). What is deleted is
not there, nor are versions of what was deleted."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from libs.domain.ids import model_stream
from libs.domain.model import Model
from libs.domain.model_version import ModelVersion
from libs.domain.workspace import Workspace
from libs.postgres.statements import load
from services.api.read_model.row_types import (
    MODEL,
    MODEL_VERSION,
    NEWEST,
    WORKSPACE,
    Rows,
    searchable,
)

_SQL = load(__name__)
FIRST_INSTANT = datetime.min.replace(tzinfo=UTC)
LAST_INSTANT = datetime.max.replace(tzinfo=UTC)


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for: `term` anywhere in names, files, versions or tags, whatever the case;
    the times of creation; before `before`, the number of a version."""

    term: str = ""
    since: datetime = FIRST_INSTANT
    until: datetime = LAST_INSTANT
    before: int = NEWEST


async def find_model(rows: Rows, number: int) -> tuple[Model, Workspace] | None:
    """A model with its workspace, or None."""
    return _model(await rows.fetchrow(_SQL["find_model"], number))


async def find_model_named(rows: Rows, workspace: int, name: str) -> tuple[Model, Workspace] | None:
    """As `find_model`, by its name."""
    id = UUID(model_stream(workspace, name).id)
    return _model(await rows.fetchrow(_SQL["find_model_with_id"], id))


def _model(row: Sequence[bytes] | None) -> tuple[Model, Workspace] | None:
    return (MODEL.decode(row[0]), WORKSPACE.decode(row[1])) if row else None


async def models_with_ids(rows: Rows, ids: Sequence[UUID]) -> dict[UUID, Model]:
    """By id; those that are not there are left out."""
    records = await rows.fetch(_SQL["models_with_ids"], ids) if ids else []
    return {model.id: model for model in (MODEL.decode(row["state"]) for row in records)}


async def model_page(rows: Rows, workspaces: Sequence[int], before: int, limit: int) -> list[Model]:
    """The newest `limit` with a number before `before`, newest first."""
    records = await rows.fetch(_SQL["model_page"], workspaces, before, limit)
    return [MODEL.decode(row["state"]) for row in records]


async def model_numbers(rows: Rows, workspaces: Sequence[int], limit: int) -> dict[int, list[int]]:
    """By workspace, the numbers of its newest `limit`, oldest first."""
    found: dict[int, list[int]] = {id: [] for id in workspaces}
    for row in await rows.fetch(_SQL["model_numbers"], workspaces, limit):
        found[row["workspace"]].append(row["number"])
    return found


async def search_models(
    rows: Rows, workspaces: Sequence[int], term: str, before: int, limit: int
) -> list[Model]:
    """As `model_page`, those with a version that `term` is found in, as in a Search."""
    records = await rows.fetch(_SQL["search_models"], workspaces, before, searchable(term), limit)
    return [MODEL.decode(row["state"]) for row in records]


async def models_named(rows: Rows, name: str, workspaces: Sequence[int]) -> list[Model]:
    """One a workspace at most, newest first."""
    records = await rows.fetch(_SQL["models_named"], name, workspaces)
    return [MODEL.decode(row["state"]) for row in records]


async def find_model_version(rows: Rows, number: int) -> tuple[ModelVersion, Workspace] | None:
    """A version with its workspace, or None."""
    return _version(await rows.fetchrow(_SQL["find_model_version"], number))


async def find_model_version_with_config(
    rows: Rows, number: int
) -> tuple[ModelVersion, Workspace] | None:
    """The version that has the config of that number, with its workspace, or None."""
    return _version(await rows.fetchrow(_SQL["find_model_version_with_config"], number))


def _version(row: Sequence[bytes] | None) -> tuple[ModelVersion, Workspace] | None:
    return (MODEL_VERSION.decode(row[0]), WORKSPACE.decode(row[1])) if row else None


async def model_versions_with_ids(rows: Rows, ids: Sequence[UUID]) -> dict[UUID, ModelVersion]:
    """By id; those that are not there are left out. Check their workspace."""
    records = await rows.fetch(_SQL["model_versions_with_ids"], ids) if ids else []
    found = (MODEL_VERSION.decode(row["state"]) for row in records)
    return {version.id: version for version in found}


async def versions_of_models(
    rows: Rows, models: Sequence[UUID], limit: int
) -> dict[UUID, list[ModelVersion]]:
    """By model, the newest `limit` versions, newest first."""
    records = await rows.fetch(_SQL["versions_of_models"], models, limit) if models else []
    found: dict[UUID, list[ModelVersion]] = {model: [] for model in models}
    for row in records:
        version = MODEL_VERSION.decode(row["state"])
        found[version.model].append(version)
    return found


async def versions_deleted_with_model(
    rows: Rows, model: UUID, before: int, limit: int
) -> list[ModelVersion]:
    """Of a model that was deleted, whatever has become of it since, the newest `limit` versions
    with a number before `before`, newest first."""
    records = await rows.fetch(_SQL["versions_deleted_with_model"], model, before, limit)
    return [MODEL_VERSION.decode(row["state"]) for row in records]


async def model_versions_with_tag(
    rows: Rows, tag: UUID, workspaces: Sequence[int], limit: int
) -> list[ModelVersion]:
    """Newest first."""
    records = await rows.fetch(_SQL["model_versions_with_tag"], tag, workspaces, limit)
    return [MODEL_VERSION.decode(row["state"]) for row in records]


async def search_model_versions(
    rows: Rows, workspaces: Sequence[int], search: Search, limit: int
) -> list[ModelVersion]:
    """Newest first."""
    records = await rows.fetch(
        _SQL["search_model_versions"],
        workspaces,
        search.before,
        searchable(search.term),
        search.since,
        search.until,
        limit,
    )
    return [MODEL_VERSION.decode(row["state"]) for row in records]
