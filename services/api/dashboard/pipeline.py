"""A pipeline: the steps of its versions, and how one of them is deployed.

Its pages share their head: what is deployed, and what that does at the moment. The tabs below it
are deploy.py, trial.py and pipeline_log.py.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from aiohttp import web

from libs.domain.deployment import Deployment
from libs.domain.errors import Rejected
from libs.domain.ids import deployment_stream
from libs.domain.pipeline import Pipeline
from libs.domain.pipeline_version import PipelineVersion
from services.api.access import inference as access
from services.api.dashboard import live, pipeline_steps
from services.api.dashboard.form_parsing import number, path_number
from services.api.dashboard.page_context import PageContext
from services.api.deployments.paths import path_of
from services.api.gateway import Activity
from services.api.history import queries as history
from services.api.pipelines import commands as pipelines
from services.api.pipelines.schemas import PipelineById
from services.api.read_model.deployments import deployments_of
from services.api.read_model.models import model_versions_with_ids, models_with_ids
from services.api.read_model.pipelines import versions_of_pipelines
from services.api.text import uuid

MAX_VERSIONS = 100


class About(NamedTuple):
    """A pipeline, its newest versions and its deployment, if it ever had one."""

    pipeline: Pipeline
    versions: list[PipelineVersion]
    deployment: Deployment | None

    @property
    def served(self) -> Deployment | None:
        """The deployment while it is one."""
        return self.deployment if self.deployment and self.deployment.deployed else None


class Replica(NamedTuple):
    """`status` is starting, running, draining or replaced; `since` and `memory_bytes` are None
    where they are not known."""

    id: UUID
    status: str
    since: datetime | None
    memory_bytes: int | None


async def about(visit: PageContext) -> About:
    """The pipeline of the page's address. Rejected unless the visitor may see it."""
    rows = visit.store.rows
    state = await access.pipeline(visit.user, rows, path_number(visit, "pipeline"), "pipeline")
    versions = (await versions_of_pipelines(rows, [state.id], MAX_VERSIONS))[state.id]
    deployment = (await deployments_of(rows, [state.id])).get(state.id)
    return About(state, versions, deployment)


async def page(
    visit: PageContext, shown: About, tab: str, status: int = 200, **values: Any
) -> web.Response:
    """A page with the head of the pipeline, and with `tab` open below it."""
    state, served = shown.pipeline, shown.served
    visit = visit.inside(state.workspace)
    activity = await visit.context.gateway.activity(served.id) if served else None
    deployment = deployment_stream(state.workspace, state.id).id
    public_url = visit.context.runtime.config.public_url.rstrip("/")
    return visit.page(
        f"pipeline_{tab}.html",
        status,
        title=state.name,
        nav="/pipelines",
        live=live.address(
            visit, f"pipeline:{state.id}", f"deployment:{deployment}", "pipeline_version"
        ),
        tab=tab,
        pipeline=state,
        versions=shown.versions,
        deployment=shown.deployment,
        served=served,
        activity=activity,
        replicas=_replicas(served, activity) if served else [],
        requester=await _requester(visit, served) if served else "",
        address=public_url + path_of(served) if served else "",
        **values,
    )


async def _requester(visit: PageContext, deployment: Deployment) -> str:
    id = deployment.requested_by
    return (await history.people(visit.users, [id])).get(id, id)


def _replicas(deployment: Deployment, activity: Activity | None) -> list[Replica]:
    """Those that the log knows, then those that are just starting."""
    now = {one.id: one for one in activity.replicas} if activity else {}
    known = {one.id: one for one in deployment.replicas}
    replicas = []
    for id, one in known.items():
        does = now.get(id)
        status = does.status if does else "running"
        earlier = one.generation < deployment.serving.generation
        memory = does.memory_bytes if does else None
        replicas.append(Replica(id, "replaced" if earlier else status, one.started_at, memory))
    starting = [one for one in now.values() if one.status == "starting" and one.id not in known]
    return replicas + [Replica(one.id, one.status, None, one.memory_bytes) for one in starting]


async def show(visit: PageContext) -> web.Response:
    """The steps of a version: of the one that was chosen, else of what is served, else the newest
    one's."""
    shown = await about(visit)
    version = await _chosen(visit, shown)
    steps = pipeline_steps.drawn(version.steps if version else [])
    return await page(
        visit,
        shown,
        "steps",
        version=version,
        steps=steps,
        places=await _places(visit, shown.pipeline, steps),
    )


async def _chosen(visit: PageContext, shown: About) -> PipelineVersion | None:
    text = visit.context.request.query.get("version", "")
    if text:
        user, rows = visit.user, visit.store.rows
        version = await access.pipeline_version(user, rows, number(text), "version")
        if version.pipeline != shown.pipeline.id:
            raise Rejected("not_found", f"version: {text[:40]} is one of another pipeline")
        return version
    deployed = shown.served.serving.version if shown.served else None
    newest = shown.versions[0] if shown.versions else None
    return next((one for one in shown.versions if one.id == deployed), newest)


async def _places(
    visit: PageContext, pipeline: Pipeline, steps: Sequence[pipeline_steps.Drawn]
) -> dict[str, str]:
    """By the version of a model, as a step names it, where that is shown."""
    named = {model.version for step in steps for model, _ in step.models}
    ids = [id for text in named if (id := uuid(text))]
    rows = visit.store.rows
    found = await model_versions_with_ids(rows, ids)
    versions = [one for one in found.values() if one.workspace == pipeline.workspace]
    models = await models_with_ids(rows, [one.model for one in versions])
    return {
        str(one.id): f"/models/{models[one.model].number}?version={one.number}"
        for one in versions
        if one.model in models
    }


async def show_versions(visit: PageContext) -> web.Response:
    shown = await about(visit)
    return await page(
        visit,
        shown,
        "versions",
        lines={one.id: pipeline_steps.summary(one.steps) for one in shown.versions},
        who=await history.people(visit.users, (one.owner for one in shown.versions)),
        most_versions=MAX_VERSIONS,
    )


async def delete(visit: PageContext) -> web.Response:
    await visit.form()
    state = (await about(visit)).pipeline
    order = PipelineById(state.name, state.workspace)
    await pipelines.delete(visit.caller, visit.store, order)
    return visit.to("/pipelines")
