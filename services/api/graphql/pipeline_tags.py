"""What ties tags to pipelines."""

from collections.abc import Mapping, Sequence
from typing import Any

from libs.domain.errors import Rejected
from libs.domain.tag import Tag
from services.api.access import authorize as access
from services.api.fields import MAX_LISTED
from services.api.graphql.pipelines import pipeline_rows
from services.api.graphql.table import Fields
from services.api.graphql.where import Row, Where, must_equal
from services.api.http.request_context import RequestContext
from services.api.pipelines import commands
from services.api.read_model.pipelines import pipelines_with_tag
from services.api.read_model.tags import tags_with_ids


def _tie(pipeline: Row, tag: Tag) -> Row:
    return {
        "id": tag.number,
        "pipeline_pk_id": pipeline["id"],
        "tag_pk_id": tag.number,
        "_tag": tag,
        "_of": pipeline,
    }


async def tags_of_pipeline(context: RequestContext, row: Row) -> list[Row]:
    found = await tags_with_ids(context.store.rows, row["_tags"])
    return [_tie(row, tag) for tag in found.values()]


async def pipelines_of_tag(context: RequestContext, row: Row) -> list[Row]:
    rows, tag = context.store.rows, row["_tag"]
    workspaces = [one.id for one in await access.workspaces(context.user, rows)]
    states = await pipelines_with_tag(rows, tag.id, workspaces, MAX_LISTED)
    return [_tie(one, tag) for one in pipeline_rows(rows, states)]


async def pipeline_of(_: RequestContext, row: Row) -> Row:
    pipeline: Row = row["_of"]
    return pipeline


async def insert_pipeline_tag(context: RequestContext, objects: Sequence[Mapping[str, Any]]) -> Row:
    found = []
    for one in objects:
        pair = _pair(one.get("pipeline_pk_id"), one.get("tag_pk_id"))
        state, tag = await commands.tag(context.caller, context.store, *pair)
        found.append(_tie(pipeline_rows(context.store.rows, [state])[0], tag))
    return {"affected_rows": len(found), "returning": found}


async def delete_pipeline_tag(context: RequestContext, where: Where) -> Row:
    """Take one tag off one pipeline; a wider filter takes off nothing."""
    pair = _pair(must_equal(where, "pipeline_pk_id"), must_equal(where, "tag_pk_id"))
    state, tag = await commands.untag(context.caller, context.store, *pair)
    found = [_tie(pipeline_rows(context.store.rows, [state])[0], tag)]
    return {"affected_rows": len(found), "returning": found}


def _pair(pipeline: int | None, tag: int | None) -> tuple[int, int]:
    if pipeline is None or tag is None:
        missing = "pipeline_pk_id" if pipeline is None else "tag_pk_id"
        raise Rejected("invalid", f"{missing}: say which; give both pipeline_pk_id and tag_pk_id")
    return pipeline, tag


PIPELINE_TAG_FIELDS: Fields = {
    ("mutation_root", "insert_pipeline_tag"): insert_pipeline_tag,
    ("mutation_root", "delete_pipeline_tag"): delete_pipeline_tag,
    ("pipeline", "pipeline_tags"): tags_of_pipeline,
    ("tag", "pipeline_tags"): pipelines_of_tag,
    ("pipeline_tag", "pipeline"): pipeline_of,
}
