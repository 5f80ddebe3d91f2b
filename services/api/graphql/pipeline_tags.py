"""Tags on pipelines, wherever a document asks for them."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from libs.domain.pipeline import Pipeline
from libs.domain.tag import Tag
from services.api.access import authorize as access
from services.api.fields import MAX_LISTED
from services.api.graphql.pipelines import pipeline_rows
from services.api.graphql.table import Fields
from services.api.graphql.tagged import tags
from services.api.graphql.tags import both, changed
from services.api.graphql.where import Row, Where, must_equal
from services.api.http.request_context import RequestContext
from services.api.read_model.pipelines import pipelines_with_tag
from services.api.read_model.row_types import Rows
from services.api.tags import commands


def _pipeline_tag(pipeline: Row, tag: Tag) -> Row:
    return {
        "id": tag.number,
        "pipeline_pk_id": pipeline["id"],
        "tag_pk_id": tag.number,
        "_tag": tag,
        "_pipeline": pipeline,
    }


def _pipeline_tags(rows: Rows, state: Tag, pipelines: Sequence[Pipeline]) -> list[Row]:
    return [_pipeline_tag(one, state) for one in pipeline_rows(rows, pipelines)]


async def tags_of_pipeline(_: RequestContext, row: Row) -> list[Row]:
    return [_pipeline_tag(row, tag) for tag in await tags(row)]


async def pipelines_of_tag(context: RequestContext, row: Row) -> list[Row]:
    rows, state = context.store.rows, row["_tag"]
    workspaces = [one.id for one in await access.workspaces(context.user, rows)]
    pipelines = await pipelines_with_tag(rows, state.id, workspaces, MAX_LISTED)
    return _pipeline_tags(rows, state, pipelines)


async def pipeline_of(_: RequestContext, row: Row) -> Row:
    pipeline: Row = row["_pipeline"]
    return pipeline


async def insert_pipeline_tag(context: RequestContext, objects: Sequence[Mapping[str, Any]]) -> Row:
    found: list[Row] = []
    for one in objects:
        pair = both(one.get, "pipeline_pk_id", "tag_pk_id")
        pipeline, state = await commands.put_on_pipeline(context.caller, context.store, *pair)
        found += _pipeline_tags(context.store.rows, state, [pipeline])
    return changed(found)


async def delete_pipeline_tag(context: RequestContext, where: Where) -> Row:
    """Take one tag off one pipeline; a wider filter takes off nothing."""
    pair = both(partial(must_equal, where), "pipeline_pk_id", "tag_pk_id")
    taken = await commands.take_off_pipeline(context.caller, context.store, *pair)
    return changed(_pipeline_tags(context.store.rows, taken[1], [taken[0]]) if taken else [])


PIPELINE_TAG_FIELDS: Fields = {
    ("mutation_root", "insert_pipeline_tag"): insert_pipeline_tag,
    ("mutation_root", "delete_pipeline_tag"): delete_pipeline_tag,
    ("pipeline", "pipeline_tags"): tags_of_pipeline,
    ("tag", "pipeline_tags"): pipelines_of_tag,
    ("pipeline_tag", "pipeline"): pipeline_of,
}
