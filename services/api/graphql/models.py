"""Models, their versions and configs, wherever a document asks for them.

The schema calls a model `models` and a version of one `model`, as published clients do.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from libs.domain.ids import model_stream
from libs.domain.model import Model
from libs.domain.model_version import Config, ModelVersion
from libs.domain.values import DeployedModel
from services.api import text
from services.api.access import inference as inference_access
from services.api.fields import MAX_LISTED, VERSION
from services.api.graphql.batch import Batch
from services.api.graphql.filtered import search_of, within
from services.api.graphql.newest import updated_at
from services.api.graphql.table import Fields
from services.api.graphql.tagged import tags_of
from services.api.graphql.visible import visible
from services.api.graphql.where import Row, Where, matches, must_equal, ordered
from services.api.http.request_context import RequestContext
from services.api.models import schemas
from services.api.read_model import models as reads
from services.api.read_model.row_types import NEWEST, Rows

MAX_MODELS = 1000  # of a workspace
Order = Sequence[Mapping[str, str]] | None


def model_rows(rows: Rows, states: Sequence[Model]) -> list[Row]:
    """Of models side by side. The longer the list, the fewer of their newest versions it has."""

    async def load(ids: Sequence[UUID]) -> Mapping[UUID, list[ModelVersion]]:
        return await reads.versions_of_models(rows, ids, MAX_LISTED // len(ids))

    async def newest(ids: Sequence[UUID]) -> Mapping[UUID, list[ModelVersion]]:
        return await reads.versions_of_models(rows, ids, 1)

    ids = [state.id for state in states]
    together = {"_versions": Batch(ids, load), "_newest": Batch(ids, newest)}
    return [
        {
            "id": state.number,
            "name": state.name,
            "owner_id": state.owner,
            "workspace_id": state.workspace,
            "created_at": state.created_at,
            "_id": state.id,
            **together,
        }
        for state in states
    ]


def version_rows(rows: Rows, states: Sequence[ModelVersion]) -> list[Row]:
    """Of versions side by side."""

    async def load(ids: Sequence[UUID]) -> Mapping[UUID, Model]:
        return await reads.models_with_ids(rows, ids)

    models = Batch([state.model for state in states], load)
    together = {"_models": models, "_tags_by_id": tags_of(rows, states)}
    return [_version_row(state) | together for state in states]


def _version_row(state: ModelVersion) -> Row:
    return {
        "id": state.number,
        "model_id": state.name,
        "model_version": str(state.id),
        "sha": state.sha,
        "status": schemas.status(state),
        "error_summary": state.reason or None,
        "file_name": state.file_name,
        "file_size": state.file_size,
        "created_at": state.created_at,
        "updated_at": state.updated_at,
        "visibility": "private",
        "owner_id": state.owner,
        "created_by": state.owner,
        "created_on_version": VERSION,
        "_model": state.model,
        "_conversion": state.conversion,
        "_tags": state.tags,
    }


def _deployed_row(rows: Rows, deployed: DeployedModel, workspace: int) -> Row:
    """Of a version as its deployment knows it, for it may be deleted meanwhile."""
    model = UUID(model_stream(workspace, deployed.name).id)

    async def load(ids: Sequence[UUID]) -> Mapping[UUID, Model]:
        return await reads.models_with_ids(rows, ids)

    return {
        "id": deployed.number,
        "model_id": deployed.name,
        "model_version": str(deployed.version),
        "sha": deployed.sha,
        "status": "ready",
        "_model": model,
        "_models": Batch([model], load),
        "_conversion": {"framework": deployed.framework},
        "_tags": [],
    }


def _config_row(rows: Rows, config: Config, version: ModelVersion) -> Row:
    return {
        "id": config.number,
        "model_id": version.number,
        "runtime": schemas.RUNTIME,
        "tensor_fields": config.tensor_fields or None,
        "filter_threshold": config.filter_threshold,
        "dynamic_batching_config": schemas.batching(config.batching),
        "input_schema": config.input_schema or None,
        "output_schema": config.output_schema or None,
        "batch_config": config.batch_config or None,
        "_version": version_rows(rows, [version])[0],
    }


def config_of_deployed(_: RequestContext, row: Row) -> Row:
    """Of a row with a `_deployed` model, in the workspace `_workspace`."""
    deployed: DeployedModel = row["_deployed"]
    return {
        "id": deployed.config,
        "model_id": deployed.number,
        "runtime": schemas.RUNTIME,
        "tensor_fields": deployed.tensor_fields or None,
        "dynamic_batching_config": schemas.batching(deployed.batching),
        "_deployed": deployed,
        "_workspace": row["_workspace"],
    }


async def model_by_pk(context: RequestContext, id: int) -> Row | None:
    rows = context.store.rows
    state = await visible(inference_access.model_version(context.user, rows, id))
    return version_rows(rows, [state])[0] if state else None


async def model_config_by_pk(context: RequestContext, id: int) -> Row | None:
    rows = context.store.rows
    state = await visible(inference_access.model_version_with_config(context.user, rows, id))
    if state is None:
        return None
    config = next(one for one in state.configs if one.number == id)
    return _config_row(rows, config, state)


async def model(context: RequestContext, where: Where | None = None) -> list[Row]:
    """The newest versions that match, of the workspaces that the caller may see."""
    return await _matching(context, reads.Search(), where)


async def search_models(
    context: RequestContext,
    args: Mapping[str, Any],
    where: Where | None = None,
    order_by: Order = None,
) -> list[Row]:
    search = search_of(args, where, "created_at")
    return ordered(await _matching(context, search, where), order_by)


async def _matching(
    context: RequestContext, search: reads.Search, where: Where | None
) -> list[Row]:
    rows = context.store.rows
    workspaces = await within(context, where, "model")
    versions = await _candidates(rows, list(workspaces), search, where)
    found = version_rows(rows, versions)
    if not where:
        return found
    models = await reads.models_with_ids(rows, list({version.model for version in versions}))

    def whole(row: Row) -> Row:
        of = models[row["_model"]]
        workspace = {"id": of.workspace, "name": workspaces[of.workspace].name, "archived": False}
        return {**row, "model": model_rows(rows, [of])[0] | {"workspace": workspace}}

    return [row for row in found if row["_model"] in models and matches(whole(row), where)]


async def _candidates(
    rows: Rows, workspaces: Sequence[int], search: reads.Search, where: Where | None
) -> Sequence[ModelVersion]:
    """Versions among which those that match are: by what the filter says they must be."""
    if (number := must_equal(where, "id")) is not None:
        found = await reads.find_model_version(rows, number)
        versions = [found[0]] if found else []
    elif (version := must_equal(where, "model_version")) is not None:
        id = text.uuid(version)
        versions = list((await reads.model_versions_with_ids(rows, [id] if id else [])).values())
    elif (name := must_equal(where, "model_id")) is not None:
        models = await reads.models_named(rows, name, workspaces)
        of = await reads.versions_of_models(rows, [one.id for one in models], MAX_LISTED)
        versions = [one for each in of.values() for one in each]
    else:
        return await reads.search_model_versions(rows, workspaces, search, MAX_LISTED)
    return [one for one in versions if one.workspace in workspaces]


async def models_of_workspace(
    context: RequestContext, row: Row, where: Where | None = None, order_by: Order = None
) -> list[Row]:
    rows = context.store.rows
    states = await reads.model_page(rows, [row["id"]], NEWEST, MAX_MODELS)
    found = [one | {"workspace": row} for one in model_rows(rows, states)]
    if any("updated_at" in one for one in order_by or []):
        found = [one | {"updated_at": await updated_at(context, one)} for one in found]
    return ordered([one for one in found if matches(one, where)], order_by)


async def versions_of_model(context: RequestContext, row: Row) -> list[Row]:
    versions = await row["_versions"].of(row["_id"])
    return version_rows(context.store.rows, versions or [])


async def model_of_version(context: RequestContext, row: Row) -> Row | None:
    state = await row["_models"].of(row["_model"])
    return model_rows(context.store.rows, [state])[0] if state else None


async def number_of_model(context: RequestContext, row: Row) -> int | None:
    state = await row["_models"].of(row["_model"])
    return state.number if state else None


async def conversion(context: RequestContext, row: Row, path: str | None = None) -> Any:
    """What the uploader said of it, or what is at `path` in it: one name, such as `arch`."""
    return row["_conversion"] if path is None else row["_conversion"].get(path)


def version_of(context: RequestContext, row: Row) -> Row:
    """That of a config, or of a tag on it."""
    if "_version" not in row:
        row["_version"] = _deployed_row(context.store.rows, row["_deployed"], row["_workspace"])
    version: Row = row["_version"]
    return version


MODEL_FIELDS: Fields = {
    ("query_root", "model_by_pk"): model_by_pk,
    ("query_root", "model"): model,
    ("query_root", "model_config_by_pk"): model_config_by_pk,
    ("query_root", "search_models"): search_models,
    ("workspace", "models"): models_of_workspace,
    ("models", "models"): versions_of_model,
    ("models", "updated_at"): updated_at,
    ("model", "model"): model_of_version,
    ("model", "models_pk_id"): number_of_model,
    ("model", "conversion"): conversion,
    ("model_config", "model"): version_of,
    ("deployment_model_configs", "model_config"): config_of_deployed,
    ("model_tag", "model"): version_of,
}
