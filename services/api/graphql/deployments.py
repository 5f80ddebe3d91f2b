"""Deployments, and what they serve, wherever a document asks for them.

Clients ask for theirs before every inference: its usual fields take one statement.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from libs.domain.deployment import Deployment
from libs.domain.pipeline import Pipeline
from services.api.access import inference as access
from services.api.deployments import queries
from services.api.graphql.batch import Batch
from services.api.graphql.pipelines import MAX_SHOWN, pipeline_rows
from services.api.graphql.table import Fields
from services.api.graphql.visible import visible
from services.api.graphql.where import Row, Where, matches, must_equal
from services.api.http.request_context import RequestContext
from services.api.read_model import pipelines as reads
from services.api.read_model.row_types import NEWEST, Rows


def deployment_rows(rows: Rows, states: Sequence[Deployment]) -> list[Row]:
    """Of deployments side by side."""

    async def owners(ids: Sequence[UUID]) -> Mapping[UUID, Pipeline]:
        return await reads.pipelines_with_ids(rows, ids)

    pipelines = Batch([state.pipeline for state in states], owners)
    return [
        _deployment_row(state) | {"_pipelines": pipelines, "_pipeline": state.pipeline}
        for state in states
    ]


def _deployment_row(state: Deployment) -> Row:
    """`limit_status` says that a licence forbids more: there is none."""
    return {
        "id": state.number,
        "deploy_id": state.name,
        "deployed": state.deployed,
        "engine_config": state.engine_config,
        "limit_status": None,
        "created_at": state.created_at,
        "updated_at": state.updated_at,
        "_state": state,
    }


async def deployment_by_pk(context: RequestContext, id: int) -> Row | None:
    rows = context.store.rows
    found = await visible(access.deployment_of_pipeline(context.user, rows, id))
    if found is None:
        return None
    state, owner = found
    known = {"pipeline": pipeline_rows(rows, [owner])[0], "pipeline_id": owner.number}
    return _deployment_row(state) | known


async def deployment(
    context: RequestContext, where: Where | None = None, limit: int = NEWEST
) -> list[Row]:
    """By its number also one that is undeployed; else what is deployed."""
    id = must_equal(where, "id")
    if id is not None:
        one = await deployment_by_pk(context, id)
        found = [one] if one else []
    else:
        states = await queries.listed(context.user, context.store.rows, None)
        found = deployment_rows(context.store.rows, states[:MAX_SHOWN])
    return [row for row in found if matches(row, where)][:limit]


async def number_of_pipeline(_: RequestContext, row: Row) -> int | None:
    if "pipeline_id" in row:
        known: int = row["pipeline_id"]
        return known
    owner = await row["_pipelines"].of(row["_pipeline"])
    return owner.number if owner else None


async def deployment_of_pipeline(_: RequestContext, row: Row) -> Row | None:
    state = await row["_deployments"].of(row["_id"])
    known = {"pipeline": row, "pipeline_id": row["id"]}
    return _deployment_row(state) | known if state else None


def deployment_of(context: RequestContext, row: Row) -> Row:
    return deployment_rows(context.store.rows, [row["_state"]])[0]


def configs_of_deployment(_: RequestContext, row: Row) -> list[Row]:
    return _configs(row["_state"])


def all_configs(_: RequestContext, row: Row, distinct_on: Any = None) -> Row:
    """Whatever they are to be distinct by: clients list the names of all models by it."""
    return {"nodes": _configs(row["_state"])}


async def configs_of_version(_: RequestContext, row: Row) -> list[Row]:
    state = await _serving(row)
    return _configs(state) if state else []


def _configs(state: Deployment) -> list[Row]:
    return [
        {
            "id": model.config,
            "deployment_id": state.number,
            "model_config_id": model.config,
            "_deployed": model,
            "_workspace": state.workspace,
            "_state": state,
        }
        for model in state.serving.models
    ]


def versions_of_deployment(
    _: RequestContext, row: Row, order_by: Sequence[Any] | None = None
) -> list[Row]:
    return _served_version(row["_state"])


async def deployments_of_version(_: RequestContext, row: Row) -> list[Row]:
    state = await _serving(row)
    return _served_version(state) if state else []


def _served_version(state: Deployment) -> list[Row]:
    """The one that is served, or was last."""
    return [
        {
            "created_at": state.created_at,
            "updated_at": state.updated_at,
            "pipeline_version_pk_id": state.serving.version_number,
            "_state": state,
        }
    ]


async def _serving(row: Row) -> Deployment | None:
    """The deployment of a version's pipeline, if it serves that version, or did last."""
    state: Deployment | None = await row["_deployments"].of(row["_pipeline"])
    return state if state and state.serving.version == row["_id"] else None


DEPLOYMENT_FIELDS: Fields = {
    ("query_root", "deployment_by_pk"): deployment_by_pk,
    ("query_root", "deployment"): deployment,
    ("pipeline", "deployment"): deployment_of_pipeline,
    ("deployment", "pipeline_id"): number_of_pipeline,
    ("deployment", "deployment_model_configs"): configs_of_deployment,
    ("deployment", "deployment_model_configs_aggregate"): all_configs,
    ("deployment", "deployment_pipeline_versions"): versions_of_deployment,
    ("deployment_model_configs", "deployment"): deployment_of,
    ("deployment_pipeline_version", "deployment"): deployment_of,
    ("pipeline_version", "deployment_pipeline_versions"): deployments_of_version,
    ("pipeline_version", "deployment_model_configs"): configs_of_version,
}
