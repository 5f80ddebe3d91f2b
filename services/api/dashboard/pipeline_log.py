"""The log of a pipeline, newest inference first; and which pipelines a run has asked."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from libs.domain.errors import Rejected, Unavailable
from services.api import text
from services.api.access import authorize
from services.api.dashboard import pipeline
from services.api.dashboard.form_parsing import path_id
from services.api.dashboard.page_context import PageContext
from services.api.history import queries as history
from services.api.http.errors import STATUS
from services.api.pipeline_logs import queries
from services.api.pipeline_logs.schemas import Records

ROWS = 50  # of a page
_MAX_SHORT = 80  # characters of a value in the table
_MAX_WHOLE = 8000  # and where it is unfolded
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS = ("since", "until", "run")
_AWAY = "The logs can't be read for a moment; load the page again"


class Value(NamedTuple):
    """In a line, and as it is."""

    short: str
    whole: str


class Row(NamedTuple):
    """One row that was answered. `took` is the time that the replica worked on its request;
    `anomalies` are the names of the checks that held."""

    at: datetime
    inputs: Value
    outputs: Value
    anomalies: list[str]
    took: timedelta
    version: str
    caller: str
    run: str


async def show(visit: PageContext) -> web.Response:
    """For the query: `since` and `until`, a `run`, and the `cursor` where the page begins."""
    shown = await pipeline.about(visit)
    query = visit.context.request.query
    typed = {name: query.get(name, "")[:40] for name in _FIELDS}
    records, problem, status = Records([], None), "", 200
    try:
        records = await _records(visit, shown, typed, query.get("cursor"))
    except Rejected as refused:
        problem, status = refused.message, STATUS[refused.code]
    except Unavailable:
        problem, status = _AWAY, 503
    rows = [_row(record) for record in records.records]
    kept = {name: value for name, value in typed.items() if value}
    return await pipeline.page(
        visit,
        shown,
        "logs",
        status,
        rows=rows,
        who=await history.people(visit.users, (row.caller for row in rows)),
        numbers={str(one.id): one.number for one in shown.versions},
        typed=typed,
        problem=problem,
        older=f"?{urlencode(kept | {'cursor': records.next})}" if records.next else "",
        newest=f"?{urlencode(kept)}" if query.get("cursor") else "",
    )


async def _records(
    visit: PageContext, shown: pipeline.About, typed: Mapping[str, str], cursor: str | None
) -> Records:
    run = text.uuid(typed["run"]) if typed["run"] else None
    if typed["run"] and run is None:
        raise Rejected("invalid", "run: this is no id of a run; leave it empty for all")
    return await queries.recent(
        visit.context.gateway,
        shown.pipeline.id,
        ROWS,
        cursor,
        _instant("since", typed["since"]),
        _instant("until", typed["until"]),
        run,
    )


def _instant(name: str, typed: str) -> datetime | None:
    if not typed:
        return None
    if (moment := text.instant(typed)) is None:
        raise Rejected("invalid", f"{name}: {typed!r} is no instant; give one, in UTC")
    return moment


def _row(record: Mapping[str, Any]) -> Row:
    anomalies = record.get("anomaly") or {}
    about, request = record.get("metadata") or {}, record.get("request") or {}
    return Row(
        at=_EPOCH + timedelta(milliseconds=record["time"]),
        inputs=_value(record.get("in")),
        outputs=_value(_outputs(record)),
        anomalies=[name for name, holds in anomalies.items() if name != "count" and holds],
        took=timedelta(microseconds=sum(about.get("elapsed") or ()) / 1000),
        version=about.get("pipeline_version") or "",
        caller=request.get("caller") or "",
        run=request.get("run") or "",
    )


def _outputs(record: Mapping[str, Any]) -> dict[str, Any]:
    """With those of models in the shadow, as `out_<name>`."""
    rest = {name: value for name, value in record.items() if name.startswith("out_")}
    return {**(record.get("out") or {}), **rest}


def _value(value: object) -> Value:
    line = msgspec.json.encode(value).decode()
    whole = msgspec.json.format(line, indent=2)
    return Value(_cut(line, _MAX_SHORT), _cut(whole, _MAX_WHOLE))


def _cut(line: str, most: int) -> str:
    return line if len(line) <= most else f"{line[:most]}…"


async def of_run(visit: PageContext) -> web.Response:
    """Which pipelines a task run has asked, for how many rows."""
    run = await authorize.requested_run(visit.user, visit.store.rows, path_id(visit, "run"), "run")
    asked: Sequence[tuple[Any, int]] = ()
    problem, status = "", 200
    try:
        gateway = visit.context.gateway
        asked = await queries.pipelines_of_run(visit.user, visit.store.rows, gateway, run.id)
    except Unavailable:
        problem, status = _AWAY, 503
    return visit.inside(run.workspace).page(
        "run_inferences.html",
        status,
        title="Inferences of a run",
        nav="/workloads",
        run=run,
        asked=asked,
        problem=problem,
    )
