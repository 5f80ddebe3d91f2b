"""Deploying a pipeline: a form for what people choose; programs may say more."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from libs.domain.deployment import MAX_REPLICAS, Deployment
from libs.domain.errors import Rejected
from libs.domain.values import Scaling
from services.api.dashboard import pipeline
from services.api.dashboard.form_parsing import number
from services.api.dashboard.page_context import PageContext
from services.api.deployments import commands as deployments
from services.api.deployments.schemas import Deploy, Undeploy
from services.api.http.errors import STATUS

_FIELDS = ("version", "least", "most", "cpus", "memory")
_CHOSEN = ("cpu", "resources", "replicas", "autoscale")  # what the form says anew
_BY_QUEUE = {"type": "queue", "scale_up_queue_depth": Scaling().scale_up}


async def show(visit: PageContext) -> web.Response:
    shown = await pipeline.about(visit)
    return await _form(visit, shown, _as_now(shown.deployment))


def _as_now(deployment: Deployment | None) -> dict[str, str]:
    """What the form says at first: as it is deployed, or was, with the newest version."""
    if deployment is None:
        return {"least": "1", "most": "1", "cpus": "1"}
    scaling, limits = deployment.scaling, deployment.limits
    return {
        "least": str(scaling.least),
        "most": str(scaling.most),
        "cpus": f"{limits.cpus:g}",
        "memory": _quantity(limits.memory_bytes),
    }


def _quantity(count: int | None) -> str:
    """Bytes as people write them, and exactly so many."""
    if count is None:
        return ""
    mebibytes, rest = divmod(count, 1 << 20)
    return str(count) if rest else f"{mebibytes}Mi"


async def _form(
    visit: PageContext,
    shown: pipeline.About,
    typed: Mapping[str, str],
    refused: Rejected | None = None,
) -> web.Response:
    return await pipeline.page(
        visit,
        shown,
        "deploy",
        STATUS[refused.code] if refused else 200,
        typed=typed,
        problem=refused.message if refused else "",
        most_replicas=MAX_REPLICAS,
    )


async def deploy(visit: PageContext) -> web.Response:
    form = await visit.form()
    shown = await pipeline.about(visit)
    typed = {name: form.get(name, "").strip() for name in _FIELDS}
    before = shown.deployment.engine_config if shown.deployment else {}
    try:
        order = Deploy(
            pipeline_version_pk_id=number(typed["version"]),
            pipeline_id=shown.pipeline.number,
            deploy_id=shown.pipeline.name,
            engine_config={**before, "engine": engine(typed, before.get("engine") or {})},
        )
        await deployments.deploy(visit.caller, visit.store, order)
    except Rejected as refused:
        if refused.code == "forbidden":
            raise
        return await _form(visit, shown, typed, refused)
    return visit.to(f"/pipelines/{shown.pipeline.number}")


async def undeploy(visit: PageContext) -> web.Response:
    await visit.form()
    state = (await pipeline.about(visit)).pipeline
    order = Undeploy(pipeline_id=state.number)
    await deployments.undeploy(visit.caller, visit.store, visit.context.gateway, order)
    return visit.to(f"/pipelines/{state.number}")


def engine(typed: Mapping[str, str], before: Mapping[str, Any]) -> dict[str, Any]:
    """As clients write `engine_config.engine`. What the form does not ask for stays as it was
    `before`. Rejected("invalid") names the field."""
    least, most = _whole(typed, "least"), _whole(typed, "most")
    amounts = {"cpu": typed["cpus"] or "1"}
    if typed["memory"]:
        amounts["memory"] = typed["memory"]
    kept = {name: value for name, value in before.items() if name not in _CHOSEN}
    config = {**kept, "resources": {"limits": amounts, "requests": amounts}}
    if least == most:
        return config | {"replicas": most}
    scale = {**(before.get("autoscale") or _BY_QUEUE), "replica_min": least, "replica_max": most}
    return config | {"autoscale": scale}


def _whole(typed: Mapping[str, str], name: str) -> int:
    text = typed[name] or "1"
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise Rejected("invalid", f"{name}: {text[:40]!r} is no number of replicas; give one")
    return int(text)
