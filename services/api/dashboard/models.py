"""The list of a workspace's models, and uploading another one, or a version of one."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from aiohttp import web

from libs.domain.model import Model
from libs.domain.model_version import ModelVersion
from services.api.access import inference as access
from services.api.dashboard import live, uploads
from services.api.dashboard.page_context import PageContext
from services.api.dashboard.paging import Paging
from services.api.models import routes as models
from services.api.read_model.models import (
    model_page,
    models_with_ids,
    search_models,
    versions_of_models,
)
from services.api.read_model.row_types import NEWEST
from services.api.read_model.tags import tags_with_ids


class Row(NamedTuple):
    """A model, its newest version (none if all are deleted), and the words on that one."""

    model: Model
    newest: ModelVersion | None
    tags: list[str]

    @property
    def seq(self) -> int:
        return self.model.number


async def show(visit: PageContext) -> web.Response:
    return await _list(visit)


async def _list(visit: PageContext, problem: str = "", status: int = 200) -> web.Response:
    search = visit.context.request.query.get("search", "")[:256]
    paging = Paging(visit, "search")
    shown = await _page(visit, search, paging)
    return visit.page(
        "models.html",
        status,
        title="Models",
        live=live.address(visit, "model", "model_version"),
        problem=problem,
        rows=paging.shown(await _rows(visit, shown)),
        paging=paging,
        search=search,
        upload=uploads.form(visit, "/models", upload_metadata()),
    )


async def _page(visit: PageContext, search: str, paging: Paging) -> Sequence[Model]:
    rows, before = visit.store.rows, paging.before or NEWEST
    ids = [visit.workspace.id] if visit.workspace else []
    if search:
        return await search_models(rows, ids, search, before, paging.limit)
    return await model_page(rows, ids, before, paging.limit)


async def _rows(visit: PageContext, shown: Sequence[Model]) -> list[Row]:
    rows = visit.store.rows
    newest = await versions_of_models(rows, [model.id for model in shown], 1)
    firsts = {id: versions[0] for id, versions in newest.items() if versions}
    tags = await tags_with_ids(rows, [tag for version in firsts.values() for tag in version.tags])
    return [
        Row(
            model,
            version := firsts.get(model.id),
            [tags[tag].name for tag in (version.tags if version else []) if tag in tags],
        )
        for model in shown
    ]


def upload_metadata(name: str = "") -> dict[str, Any]:
    """What the form of an upload says of it; without a name the model has that of the file."""
    about: dict[str, Any] = {"visibility": "private", "conversion": {"framework": "onnx"}}
    return {"name": name, **about} if name else about


async def upload(visit: PageContext) -> web.Response:
    uploads.check(visit)

    async def again(problem: str, status: int) -> web.Response:
        return await _list(visit, problem, status)

    return await uploads.receive(visit, _upload(visit), again)


async def _upload(visit: PageContext) -> str:
    """The address of the version that was uploaded."""
    uploaded = await models.upload(visit.context, None)
    [version] = uploaded.insert_models.returning[0].models
    state = await access.model_version(visit.user, visit.store.rows, version.id)
    by_id = await models_with_ids(visit.store.rows, [state.model])
    return f"/models/{by_id[state.model].number}?version={version.id}"
