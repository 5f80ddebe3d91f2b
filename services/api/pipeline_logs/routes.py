"""Pipeline logs over HTTP: as the published SDK pages through them, and as JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from libs.domain.errors import Rejected
from services.api.access import inference as access
from services.api.http import streaming
from services.api.http.request_context import RequestContext
from services.api.http.route import Route, post
from services.api.pipeline_logs import queries, schemas
from services.api.pipeline_logs.schemas import MAX_RECORDS, NO_ROWS, LogQuery, first_ms, last_ms
from services.api.pipelines.schemas import topic
from services.api.text import number

ARROW = "application/vnd.apache.arrow.file"
_PARTITION = "rondo"  # that of all pipelines
_TOPIC = "/v1/logs/topic/{topic}"
_TIMES = ("time.start", "time.end")
_DATASET = ("dataset[]", "dataset.exclude[]", "dataset.separator")


async def topic_name(context: RequestContext, body: schemas.TopicOf) -> schemas.TopicName:
    rows, number = context.store.rows, body.pipeline_pk_id
    pipeline = await access.pipeline(context.user, rows, number, "pipeline_pk_id")
    return schemas.TopicName(topic(pipeline.workspace, pipeline.name))


async def partitions(context: RequestContext, _: None) -> schemas.Partitions:
    of = await _topic(context)
    count = 0 if of.failures else await queries.count(context.gateway, of.pipeline.id)
    return schemas.Partitions({_PARTITION: schemas.Span(0, count)} if count else {})


async def records(context: RequestContext, body: schemas.Iterator) -> web.StreamResponse:
    """The status of the page, and `next`, are in the schema's metadata."""
    of, query = await _topic(context), _asked_for(context.request)
    query = await _from(context, of.pipeline.id, query, body)
    return await _send(context, of.pipeline.id, NO_ROWS if of.failures else query)


async def get_logs(context: RequestContext, body: schemas.GetLogs) -> web.StreamResponse:
    """Nested records: JSON, or Arrow for who accepts it. How to go on is in headers."""
    pipeline = await access.pipeline_named(
        context.user, context.store.rows, body.workspace_id, body.pipeline_name, "pipeline_name"
    )
    wants_arrow = ARROW in context.request.headers.get("Accept", "")
    query = msgspec.structs.replace(body.query, form="arrow" if wants_arrow else "json")
    return await _send(context, pipeline.id, query)


async def _topic(context: RequestContext) -> queries.Topic:
    name = context.request.match_info["topic"]
    return await queries.of_topic(context.user, context.store.rows, name)


async def _from(
    context: RequestContext, pipeline: UUID, query: LogQuery, iterator: Mapping[str, str | int]
) -> LogQuery:
    """From where the iterator says: ours has a cursor, the first of assays a position."""
    match [*iterator.items()]:
        case []:
            return query
        case [("cursor", str(cursor))]:
            return msgspec.structs.replace(query, cursor=cursor)
        case [(_, int(position))] if position >= 0:
            left = max(await queries.count(context.gateway, pipeline) - position, 0)
            limit = min(left, MAX_RECORDS if query.limit is None else query.limit)
            return msgspec.structs.replace(query, descending=True, tail=True, limit=limit)
    raise Rejected("invalid", "body: give {} at first, then `next` of the answer before")


async def _send(context: RequestContext, pipeline: UUID, query: LogQuery) -> web.StreamResponse:
    async with context.gateway.logs(f"pipelines/{pipeline}/records", query) as answer:
        headers = {
            "Content-Type": answer.headers["Content-Type"],
            "x-iteration-status": answer.headers["Rondo-Log-Status"],
        }
        if cursor := answer.headers.get("Rondo-Log-Next"):
            headers["x-iteration-cursor"] = cursor
        return await streaming.send(context.request, headers, answer.content.iter_any())


def _asked_for(request: web.Request) -> LogQuery:
    query = request.query
    order = query.get("order", "asc").lower()
    if order not in ("asc", "desc"):
        raise Rejected("invalid", f"order: {order[:40]!r} is no order; give asc or desc")
    size = query.get("page_size")
    if size is not None and number(size) is None:
        raise Rejected("invalid", f"page_size: {size[:40]!r} is no number; give one such as 100")
    return LogQuery(
        start=first_ms(_moment(query, "time.start")),
        end=last_ms(_moment(query, "time.end")),
        descending=order == "desc",
        limit=None if size is None else min(number(size) or 0, MAX_RECORDS),
        dataset=tuple(query.getall("dataset[]", ["*"])),
        exclude=tuple(query.getall("dataset.exclude[]", [])),
        separator=query.get("dataset.separator"),
    )


def _moment(query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name)
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise Rejected(
            "invalid", f"{name}: {text!r:.60} is no time; give one such as 2026-01-31T13:00:00Z"
        ) from None


PIPELINE_LOG_ROUTES = (
    post(
        "plateau/get_topic_name",
        topic_name,
        schemas.TopicOf,
        schemas.TopicName,
        summary="The name of a pipeline's log.",
        machines=True,
    ),
    Route(
        "GET",
        _TOPIC,
        partitions,
        None,
        schemas.Partitions,
        "How many records a pipeline's log has.",
        machines=True,
    ),
    Route(
        "POST",
        f"{_TOPIC}/records",
        records,
        schemas.Iterator,
        bytes,
        "A page of a pipeline's log, as an Arrow file; `status` in its schema's metadata says"
        " whether there is more.",
        query=(*_TIMES, "page_size", "order", *_DATASET),
        answer_media=ARROW,
        machines=True,
    ),
    post(
        "pipelines/get_logs",
        get_logs,
        schemas.GetLogs,
        list[dict[str, Any]],
        summary="A page of a pipeline's log as nested records; the headers x-iteration-status and"
        " x-iteration-cursor say whether there is more, and how to get it.",
        machines=True,
    ),
)
