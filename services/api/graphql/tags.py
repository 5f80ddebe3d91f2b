"""Tags, and what they are on, wherever a document asks for them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from libs.domain.errors import Rejected
from libs.domain.model_version import ModelVersion
from libs.domain.tag import Tag
from services.api.access import authorize as access
from services.api.access import inference as inference_access
from services.api.fields import MAX_LISTED
from services.api.graphql.models import Order, version_rows
from services.api.graphql.table import Fields
from services.api.graphql.tagged import tags
from services.api.graphql.visible import visible
from services.api.graphql.where import Row, Where, must_equal, ordered
from services.api.http.request_context import RequestContext
from services.api.read_model.models import model_versions_with_tag
from services.api.read_model.row_types import Rows
from services.api.tags import commands


def tag_row(state: Tag) -> Row:
    return {"id": state.number, "tag": state.name, "_tag": state}


async def tag(context: RequestContext, order_by: Order = None) -> list[Row]:
    states = await inference_access.tags(context.user, context.store.rows, MAX_LISTED)
    return ordered([tag_row(state) for state in states], order_by)


async def tag_by_pk(context: RequestContext, id: int) -> Row | None:
    state = await visible(inference_access.tag(context.user, context.store.rows, id))
    return tag_row(state) if state else None


async def tag_of(context: RequestContext, row: Row) -> Row:
    return tag_row(row["_tag"])


async def tags_of_version(_: RequestContext, row: Row) -> list[Row]:
    return [
        {"model_id": row["id"], "tag_id": one.number, "_tag": one, "_version": row}
        for one in await tags(row)
    ]


async def versions_of_tag(context: RequestContext, row: Row) -> list[Row]:
    rows, state = context.store.rows, row["_tag"]
    workspaces = [one.id for one in await access.workspaces(context.user, rows)]
    versions = await model_versions_with_tag(rows, state.id, workspaces, MAX_LISTED)
    return _model_tags(rows, state, versions)


def _model_tags(rows: Rows, state: Tag, versions: Sequence[ModelVersion]) -> list[Row]:
    return [
        {"model_id": row["id"], "tag_id": state.number, "_tag": state, "_version": row}
        for row in version_rows(rows, versions)
    ]


async def insert_tag(context: RequestContext, objects: Sequence[Mapping[str, Any]]) -> Row:
    states = [
        await commands.create(context.caller, context.store, one.get("tag") or "")
        for one in objects
    ]
    return changed([tag_row(state) for state in states])


async def insert_model_tag(context: RequestContext, objects: Sequence[Mapping[str, Any]]) -> Row:
    found: list[Row] = []
    for one in objects:
        pair = both(one.get, "model_id", "tag_id")
        version, state = await commands.put_on_version(context.caller, context.store, *pair)
        found += _model_tags(context.store.rows, state, [version])
    return changed(found)


async def delete_model_tag(context: RequestContext, where: Where) -> Row:
    """Take one tag off one version of a model; a wider filter takes off nothing."""
    pair = both(partial(must_equal, where), "model_id", "tag_id")
    taken = await commands.take_off_version(context.caller, context.store, *pair)
    return changed(_model_tags(context.store.rows, taken[1], [taken[0]]) if taken else [])


def both(given: Callable[[str], int | None], thing: str, tag: str) -> tuple[int, int]:
    """The numbers under these two names. Rejected("invalid") where one is missing."""
    numbers = given(thing), given(tag)
    if numbers[0] is None or numbers[1] is None:
        missing = thing if numbers[0] is None else tag
        raise Rejected("invalid", f"{missing}: say which; give both {thing} and {tag}")
    return numbers[0], numbers[1]


def changed(rows: list[Row]) -> Row:
    """What a mutation gives."""
    return {"affected_rows": len(rows), "returning": rows}


TAG_FIELDS: Fields = {
    ("query_root", "tag"): tag,
    ("query_root", "tag_by_pk"): tag_by_pk,
    ("mutation_root", "insert_tag"): insert_tag,
    ("mutation_root", "insert_model_tag"): insert_model_tag,
    ("mutation_root", "delete_model_tag"): delete_model_tag,
    ("model", "model_tags"): tags_of_version,
    ("tag", "model_tags"): versions_of_tag,
    ("model_tag", "tag"): tag_of,
    ("pipeline_tag", "tag"): tag_of,
}
