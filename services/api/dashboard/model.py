"""A model: its versions, and of one of them what it takes and gives, how it is used and where."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from libs.domain.errors import Rejected
from libs.domain.model import Model
from libs.domain.model_version import ModelVersion
from libs.domain.values import TensorSpec
from services.api.access import inference as access
from services.api.dashboard import live, models, uploads
from services.api.dashboard.form_parsing import number, path_number
from services.api.dashboard.model_uses import uses
from services.api.dashboard.page_context import PageContext
from services.api.history import queries as history
from services.api.http.errors import STATUS
from services.api.models import commands
from services.api.models.schemas import InsertConfig, batching
from services.api.read_model.models import versions_of_models
from services.api.read_model.tags import tags_with_ids

MAX_VERSIONS = 100


async def show(visit: PageContext) -> web.Response:
    return await _show(visit)


async def _show(
    visit: PageContext, refused: Rejected | None = None, columns: Sequence[str] = ()
) -> web.Response:
    """`columns` are what was typed into the form that was refused."""
    model, versions, version = await _about(visit)
    visit = visit.inside(model.workspace)
    return visit.page(
        "model.html",
        STATUS[refused.code] if refused else 200,
        title=model.name,
        nav="/models",
        live=live.address(visit, f"model:{model.id}", "model_version", "deployment"),
        model=model,
        versions=versions,
        most_versions=MAX_VERSIONS,
        version=version,
        inputs=_shown(version.inputs) if version else [],
        outputs=_shown(version.outputs) if version else [],
        columns=columns or (version.config.tensor_fields if version else []),
        tags=await _tags(visit, versions),
        who=await history.people(visit.users, (one.owner for one in versions)),
        uses=await uses(visit.store.rows, model),
        problem=refused.message if refused else "",
        upload=_upload(visit, model, versions),
    )


async def _about(visit: PageContext) -> tuple[Model, list[ModelVersion], ModelVersion | None]:
    """The model, its newest versions, and the one that was chosen: without a choice the newest."""
    rows, user = visit.store.rows, visit.user
    model = await access.model(user, rows, path_number(visit, "model"), "model")
    versions = (await versions_of_models(rows, [model.id], MAX_VERSIONS))[model.id]
    if not (chosen := visit.context.request.query.get("version", "")):
        return model, versions, versions[0] if versions else None
    version = await access.model_version(user, rows, number(chosen), "version")
    if version.model != model.id:
        raise Rejected("not_found", f"version: {chosen[:40]} is one of another model")
    return model, versions, version


def _upload(visit: PageContext, model: Model, versions: Sequence[ModelVersion]) -> dict[str, Any]:
    """The form for another version; empty for a model of a kind that only programs upload."""
    if versions and versions[0].framework != "onnx":
        return {}
    return uploads.form(visit, "/models", models.upload_metadata(model.name))


def _shown(tensors: Sequence[TensorSpec]) -> list[tuple[str, str, str]]:
    """Name, type, and shape in words."""
    return [(one.name, one.dtype, shape(one)) for one in tensors]


def shape(tensor: TensorSpec) -> str:
    """As in "any by 18": how many rows, and how wide each is."""
    return " by ".join("any" if size is None else str(size) for size in tensor.shape) or "one value"


async def _tags(visit: PageContext, versions: Sequence[ModelVersion]) -> dict[object, str]:
    ids = [tag for version in versions for tag in version.tags]
    return {id: tag.name for id, tag in (await tags_with_ids(visit.store.rows, ids)).items()}


async def configure(visit: PageContext) -> web.Response:
    """A new config with other columns; the rest stays as it is. An empty field of several stands
    for the input's own name."""
    form = await visit.form()
    model, _, version = await _about(visit)
    if version is None:
        raise Rejected("not_found", "version: all versions of this model are deleted")
    typed = [column.strip() for column in form.getall("column", [])]
    names = zip(typed, (one.name for one in version.inputs), strict=False)
    columns = [column or name for column, name in names] if any(typed) else []
    known = version.config
    order = InsertConfig(
        model_version_id=version.number,
        tensor_fields=columns,
        filter_threshold=known.filter_threshold,
        input_schema=known.input_schema,
        output_schema=known.output_schema,
        batch_config=known.batch_config,
        dynamic_batching_config=batching(known.batching),
    )
    try:
        await commands.configure(visit.caller, visit.store, order)
    except Rejected as refused:
        if refused.code == "forbidden":
            raise
        return await _show(visit, refused, typed)
    return visit.to(f"/models/{model.number}?version={version.number}")


async def delete_version(visit: PageContext) -> web.Response:
    form = await visit.form()
    rows, user = visit.store.rows, visit.user
    model = await access.model(user, rows, path_number(visit, "model"), "model")
    version = await access.model_version(user, rows, number(form.get("version", "")), "version")
    try:
        await commands.delete_versions(visit.caller, visit.store, [version.id], True)
    except Rejected as refused:
        if refused.code != "conflict":
            raise
        return await _show(visit, refused)
    return visit.to(f"/models/{model.number}")


async def delete(visit: PageContext) -> web.Response:
    await visit.form()
    model = await access.model(visit.user, visit.store.rows, path_number(visit, "model"), "model")
    try:
        await commands.delete(visit.caller, visit.store, model.workspace, model.name, True)
    except Rejected as refused:
        if refused.code != "conflict":
            raise
        return await _show(visit, refused)
    return visit.to("/models")
