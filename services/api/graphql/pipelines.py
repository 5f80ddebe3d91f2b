"""Pipelines and their versions, wherever a document asks for them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from libs.domain.deployment import Deployment
from libs.domain.pipeline import Pipeline
from libs.domain.pipeline_version import PipelineVersion
from libs.domain.workspace import Workspace
from services.api.access import inference as inference_access
from services.api.fields import VERSION
from services.api.graphql.batch import Batch
from services.api.graphql.filtered import search_of, within
from services.api.graphql.newest import updated_at
from services.api.graphql.table import Fields
from services.api.graphql.tagged import tags_of
from services.api.graphql.visible import visible
from services.api.graphql.where import Row, Where, matches, must_equal, ordered
from services.api.http.request_context import RequestContext
from services.api.read_model import pipelines as reads
from services.api.read_model.deployments import deployments_of
from services.api.read_model.row_types import NEWEST, Rows

Order = Sequence[Mapping[str, str]] | None
MAX_SHOWN = 1000  # of pipelines, of versions of each, and of what a search finds: the newest


def pipeline_rows(rows: Rows, states: Sequence[Pipeline]) -> list[Row]:
    """Of pipelines side by side."""

    async def versions(ids: Sequence[UUID]) -> Mapping[UUID, list[PipelineVersion]]:
        return await reads.versions_of_pipelines(rows, ids, MAX_SHOWN)

    async def newest(ids: Sequence[UUID]) -> Mapping[UUID, list[PipelineVersion]]:
        return await reads.versions_of_pipelines(rows, ids, 1)

    async def served(ids: Sequence[UUID]) -> Mapping[UUID, Deployment]:
        return await deployments_of(rows, ids)

    ids = [state.id for state in states]
    together = {
        "_versions": Batch(ids, versions),
        "_newest": Batch(ids, newest),
        "_deployments": Batch(ids, served),
        "_tags_by_id": tags_of(rows, states),
    }
    return [_pipeline_row(state) | together for state in states]


def _pipeline_row(state: Pipeline) -> Row:
    return {
        "id": state.number,
        "pipeline_id": state.name,
        "created_at": state.created_at,
        "visibility": "private",
        "owner_id": state.owner,
        "workspace_id": state.workspace,
        "_id": state.id,
        "_tags": state.tags,
    }


def version_rows(rows: Rows, states: Sequence[PipelineVersion]) -> list[Row]:
    """Of versions side by side."""
    together = _of_versions(rows, [state.pipeline for state in states])
    return [_version_row(state.number, state.id) | together | _known(state) for state in states]


def _known(state: PipelineVersion) -> Row:
    return {"_pipeline": state.pipeline, "owner_id": state.owner, "_state": state}


def _version_row(number: int, id: UUID) -> Row:
    return {
        "id": number,
        "version": id,
        "created_on_version": VERSION,
        "pipeline_publishes": [],
        "_id": id,
    }


def _of_versions(rows: Rows, pipelines: Sequence[UUID]) -> Row:
    """What is read of a deployment may be of a version, or a pipeline, that was deleted."""

    async def owners(ids: Sequence[UUID]) -> Mapping[UUID, Pipeline]:
        return await reads.pipelines_with_ids(rows, ids, deleted_too=True)

    async def served(ids: Sequence[UUID]) -> Mapping[UUID, Deployment]:
        return await deployments_of(rows, ids)

    return {"_pipelines": Batch(pipelines, owners), "_deployments": Batch(pipelines, served)}


async def pipeline_by_pk(context: RequestContext, id: int) -> Row | None:
    rows = context.store.rows
    state = await visible(inference_access.pipeline(context.user, rows, id))
    return pipeline_rows(rows, [state])[0] if state else None


async def pipeline_version_by_pk(context: RequestContext, id: int) -> Row | None:
    rows = context.store.rows
    state = await visible(inference_access.pipeline_version(context.user, rows, id))
    return version_rows(rows, [state])[0] if state else None


async def pipeline(
    context: RequestContext, where: Where | None = None, order_by: Order = None, limit: int = NEWEST
) -> list[Row]:
    """Those that match, of the workspaces that the caller may see."""
    rows = context.store.rows
    workspaces = await within(context, where)
    name = must_equal(where, "pipeline_id")
    if isinstance(name, str):
        states = await reads.pipelines_named(rows, name, list(workspaces))
    else:
        states = await reads.pipeline_page(rows, list(workspaces), NEWEST, MAX_SHOWN)
    found = pipeline_rows(rows, states)
    filterable = await _filterable(rows, states, workspaces)
    matching = [row for row in found if matches(filterable[row["_id"]], where)]
    return ordered(matching, order_by)[:limit]


async def search_pipelines(
    context: RequestContext,
    args: Mapping[str, Any],
    distinct_on: Any = None,
    where: Where | None = None,
    order_by: Order = None,
) -> list[Row]:
    """A row a version, newest first: by the names of pipelines, their models and tags."""
    rows = context.store.rows
    workspaces = await within(context, where, "pipeline")
    search = search_of(args, where, "created_at", "updated_at")
    deployed = must_equal(where, "pipeline", "deployment", "deployed")
    states = await reads.search_pipeline_versions(
        rows, list(workspaces), search, MAX_SHOWN, deployed
    )
    owners = await reads.pipelines_with_ids(rows, list({state.pipeline for state in states}))
    filterable = await _filterable(rows, list(owners.values()), workspaces)
    found = [
        row
        for row in version_rows(rows, states)
        if row["_pipeline"] in owners and matches(_whole(row, filterable[row["_pipeline"]]), where)
    ]
    return ordered(found, order_by)


def _whole(row: Row, pipeline: Row) -> Row:
    at = row["_state"].created_at
    return row | {"pipeline": pipeline, "created_at": at, "updated_at": at}


async def _filterable(
    rows: Rows, states: Sequence[Pipeline], workspaces: Mapping[int, Workspace]
) -> dict[UUID, Row]:
    """By pipeline, all that filters may look at; what was never deployed is not deployed."""
    served = await deployments_of(rows, [state.id for state in states])
    return {
        state.id: _pipeline_row(state)
        | {
            "workspace": {
                "id": state.workspace,
                "name": workspaces[state.workspace].name,
                "archived": False,
            },
            "deployment": {"deployed": state.id in served and served[state.id].deployed},
        }
        for state in states
    }


async def pipelines_of_workspace(context: RequestContext, row: Row) -> list[Row]:
    rows = context.store.rows
    states = await reads.pipeline_page(rows, [row["id"]], NEWEST, MAX_SHOWN)
    return [one | {"workspace": row} for one in pipeline_rows(rows, states)]


async def versions_of_pipeline(
    context: RequestContext, row: Row, order_by: Order = None, limit: int = NEWEST
) -> list[Row]:
    """Newest first, if nothing else is said."""
    versions = await row["_versions"].of(row["_id"])
    return ordered(version_rows(context.store.rows, versions or []), order_by)[:limit]


async def pipeline_of_version(context: RequestContext, row: Row) -> Row | None:
    state = await row["_pipelines"].of(row["_pipeline"])
    return pipeline_rows(context.store.rows, [state])[0] if state else None


async def number_of_pipeline(_: RequestContext, row: Row) -> int | None:
    state = await row["_pipelines"].of(row["_pipeline"])
    return state.number if state else None


def pipeline_of_deployment(context: RequestContext, row: Row) -> Any:
    return row.get("pipeline") or pipeline_of_version(context, row)


def version_of_deployment(context: RequestContext, row: Row) -> Row:
    """All but its number and its id is read when it is asked for."""
    state, rows = row["_state"], context.store.rows
    known = _version_row(state.serving.version_number, state.serving.version)
    return known | _of_versions(rows, [state.pipeline]) | {"_pipeline": state.pipeline}


async def created_at(context: RequestContext, row: Row) -> Any:
    state = await _state(context, row)
    return state.created_at if state else None


async def definition(context: RequestContext, row: Row, path: str | None = None) -> Any:
    """All of it, or what is at `path` in it: one name, such as `steps`."""
    state = await _state(context, row)
    if state is None:
        return None
    return state.definition if path is None else state.definition.get(path)


async def _state(context: RequestContext, row: Row) -> PipelineVersion | None:
    """That of a version, which whoever has the row may see."""
    if "_state" not in row:
        row["_state"] = await reads.find_served_version(context.store.rows, row["_id"])
    state: PipelineVersion | None = row["_state"]
    return state


PIPELINE_FIELDS: Fields = {
    ("query_root", "pipeline_by_pk"): pipeline_by_pk,
    ("query_root", "pipeline"): pipeline,
    ("query_root", "pipeline_version_by_pk"): pipeline_version_by_pk,
    ("query_root", "search_pipelines"): search_pipelines,
    ("workspace", "pipelines"): pipelines_of_workspace,
    ("pipeline", "updated_at"): updated_at,
    ("pipeline", "pipeline_versions"): versions_of_pipeline,
    ("pipeline_version", "pipeline"): pipeline_of_version,
    ("pipeline_version", "pipeline_pk_id"): number_of_pipeline,
    ("pipeline_version", "created_at"): created_at,
    ("pipeline_version", "updated_at"): created_at,
    ("pipeline_version", "definition"): definition,
    ("deployment", "pipeline"): pipeline_of_deployment,
    ("deployment_pipeline_version", "pipeline_version"): version_of_deployment,
}
