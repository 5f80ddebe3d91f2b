"""The list of a workspace's pipelines, and putting a model into one."""

from collections.abc import Sequence
from typing import NamedTuple

from aiohttp import web

from libs.domain.deployment import Deployment
from libs.domain.pipeline import Pipeline
from libs.domain.pipeline_version import PipelineVersion
from services.api.access import inference as access
from services.api.dashboard import live, pipeline_steps
from services.api.dashboard.form_parsing import body, number
from services.api.dashboard.page_context import PageContext
from services.api.dashboard.paging import Paging
from services.api.pipelines import commands as pipelines
from services.api.pipelines.schemas import CreatePipeline
from services.api.read_model.deployments import deployments_of
from services.api.read_model.pipelines import (
    pipeline_page,
    search_pipelines,
    versions_of_pipelines,
)
from services.api.read_model.row_types import NEWEST


class Row(NamedTuple):
    """A pipeline, its newest version (none if all are deleted) with its steps in a line, and its
    deployment, if it ever had one."""

    pipeline: Pipeline
    newest: PipelineVersion | None
    steps: str
    deployment: Deployment | None

    @property
    def seq(self) -> int:
        return self.pipeline.number


async def show(visit: PageContext) -> web.Response:
    search = visit.context.request.query.get("search", "")[:256]
    paging = Paging(visit, "search")
    found = await _page(visit, search, paging)
    return visit.page(
        "pipelines.html",
        title="Pipelines",
        live=live.address(visit, "pipeline", "pipeline_version", "deployment"),
        rows=paging.shown(await _rows(visit, found)),
        paging=paging,
        search=search,
    )


async def _page(visit: PageContext, search: str, paging: Paging) -> Sequence[Pipeline]:
    rows, before = visit.store.rows, paging.before or NEWEST
    ids = [visit.workspace.id] if visit.workspace else []
    if search:
        return await search_pipelines(rows, ids, search, before, paging.limit)
    return await pipeline_page(rows, ids, before, paging.limit)


async def _rows(visit: PageContext, found: Sequence[Pipeline]) -> list[Row]:
    ids, rows = [pipeline.id for pipeline in found], visit.store.rows
    newest = await versions_of_pipelines(rows, ids, 1)
    deployments = await deployments_of(rows, ids)
    return [_row(one, newest[one.id], deployments.get(one.id)) for one in found]


def _row(
    pipeline: Pipeline, newest: Sequence[PipelineVersion], deployment: Deployment | None
) -> Row:
    """The steps are those that are served, else those that would be."""
    version = newest[0] if newest else None
    served = deployment if deployment and deployment.deployed else None
    steps = served.serving.steps if served else version.steps if version else []
    return Row(pipeline, version, pipeline_steps.summary(steps), deployment)


async def create(visit: PageContext) -> web.Response:
    """A version with one step, which runs one version of a model; the pipeline too, if there is
    none of that name."""
    form = await visit.form()
    version = number(form.get("version", ""))
    model = await access.model_version(visit.user, visit.store.rows, version, "version")
    reference = {"name": model.name, "version": str(model.id), "sha": model.sha}
    step = {"ModelInference": {"models": [reference]}}
    order = body(
        CreatePipeline,
        {
            "pipeline_id": form.get("name", "").strip(),
            "workspace_id": model.workspace,
            "definition": {"steps": [step]},
        },
    )
    created = await pipelines.create(visit.caller, visit.store, order)
    return visit.to(f"/pipelines/{created.pipeline_pk_id}")
