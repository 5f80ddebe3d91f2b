"""Pipeline logs as their readers may see them: whoever may see a pipeline may read its log."""

import re
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from libs.domain.pipeline import Pipeline
from libs.identity.users import User
from services.api.access import authorize
from services.api.access import inference as access
from services.api.gateway import Gateway
from services.api.pipeline_logs.schemas import LogQuery, Records, first_ms, last_ms
from services.api.read_model.pipelines import pipelines_with_ids
from services.api.read_model.row_types import Rows

_TOPIC = re.compile(r"workspace-([1-9]\d{0,14})-pipeline-(.+)-inference(-failures)?", re.DOTALL)


class Topic(NamedTuple):
    """The log of a pipeline, or that of its failures."""

    pipeline: Pipeline
    failures: bool


async def of_topic(user: User, rows: Rows, name: str) -> Topic:
    """From the name of a topic (pipelines/schemas.py)."""
    if (match := _TOPIC.fullmatch(name)) is None:
        raise authorize.missing("topic", "topic", repr(name[:80]))
    pipeline = await access.pipeline_named(user, rows, int(match[1]), match[2], "topic")
    return Topic(pipeline, match[3] is not None)


async def count(gateway: Gateway, pipeline: UUID) -> int:
    """How many records there are."""
    async with gateway.logs(f"pipelines/{pipeline}/count", {}) as answer:
        return int((await answer.json())["rows"])


async def recent(
    gateway: Gateway,
    pipeline: UUID,
    limit: int,
    cursor: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    run: UUID | None = None,
) -> Records:
    """The newest first, nested, with `request` (id, caller, run) in each; with a `run`, those of
    that task run alone. The caller may see the pipeline. Rejected("invalid") for a bad cursor."""
    query = LogQuery(
        start=first_ms(since),
        end=last_ms(until),
        descending=True,
        limit=limit,
        cursor=cursor,
        run=str(run) if run else None,
        dataset=("*", "request"),
        separator=None,
        form="json",
    )
    async with gateway.logs(f"pipelines/{pipeline}/records", query) as answer:
        records = msgspec.json.decode(await answer.read(), type=list[dict[str, Any]])
        more = answer.headers["Rondo-Log-Status"] != "All"
        return Records(records, answer.headers.get("Rondo-Log-Next") if more else None)


async def pipelines_of_run(
    user: User, rows: Rows, gateway: Gateway, run: UUID
) -> list[tuple[Pipeline, int]]:
    """Which pipelines a task run has asked for how many rows, the most first. Of a pipeline that is
    deleted, or that the user may not see, there is nothing."""
    its = await authorize.requested_run(user, rows, run, "run")
    async with gateway.logs(f"runs/{its.id}/pipelines", {}) as answer:
        counts = msgspec.convert(await answer.json(), dict[UUID, int])
    visible = {state.id for state in await authorize.workspaces(user, rows)}
    pipelines = await pipelines_with_ids(rows, list(counts))
    seen = [(one, counts[id]) for id, one in pipelines.items() if one.workspace in visible]
    return sorted(seen, key=lambda each: -each[1])
