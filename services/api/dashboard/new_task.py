"""The page that creates a task: its form as a command, and the preview of a schedule."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

from aiohttp import web
from multidict import MultiDict, MultiMapping

from libs.domain.errors import Rejected
from libs.domain.orchestration import Orchestration
from libs.domain.values import Kind, Schedule
from services.api.access import authorize as access
from services.api.dashboard.form_parsing import body, json_object, path_id
from services.api.dashboard.formats import field
from services.api.dashboard.page_context import PageContext, html
from services.api.dashboard.render import render
from services.api.dashboard.schedules import DAYS, MONTHS, WEEKDAYS, cron_line, upcoming
from services.api.http.errors import STATUS
from services.api.tasks import commands as tasks
from services.api.tasks import schemas as task_schemas

_FRESH = MultiDict({"kind": "once", "how": "choose", "times": "08:00", "zone": "UTC", "json": "{}"})
# Fields of the API's that have another name in the form, or none.
_TYPED_AS = {"orch_id": "", "workspace_id": "", "schedule": "cron"}


async def show(visit: PageContext) -> web.Response:
    return _form(visit, await _about(visit), _FRESH)


async def _about(visit: PageContext) -> Orchestration:
    rows = visit.context.store.rows
    return await access.orchestration(visit.context.user, rows, path_id(visit, "orchestration"))


def _form(
    visit: PageContext,
    about: Orchestration,
    form: MultiMapping[str],
    refused: Rejected | None = None,
) -> web.Response:
    at = field(refused.message).partition(".")[0] if refused else ""
    return visit.inside(about.workspace).page(
        "new_task.html",
        STATUS[refused.code] if refused else 200,
        title="Create a task",
        nav="/workloads",
        workload=about,
        form=form,
        problem=refused.message if refused else "",
        at=_TYPED_AS.get(at, at),
        months=MONTHS,
        days=DAYS,
        weekdays=WEEKDAYS,
        **_preview(form),
    )


async def create(visit: PageContext) -> web.Response:
    form, about = await visit.form(), await _about(visit)
    if form.get("preview"):
        return _form(visit, about, form)
    try:
        id = await _create(visit, about, form)
    except Rejected as refused:
        if refused.code == "forbidden":
            raise
        return _form(visit, about, form, refused)
    return visit.to(f"/tasks/{id}")


async def _create(visit: PageContext, about: Orchestration, form: MultiMapping[str]) -> UUID:
    fields = _order(form) | {"orch_id": str(about.id), "workspace_id": about.workspace}
    match _kind(form):
        case "once":
            order = body(task_schemas.RunTask, fields)
            return await tasks.run_once(visit.caller, visit.store, order)
        case "continuous":
            order = body(task_schemas.RunTask, fields)
            return await tasks.run_continuously(visit.caller, visit.store, order)
    planned = body(task_schemas.RunScheduled, fields | _planned(form))
    return (await tasks.run_scheduled(visit.caller, visit.store, planned))[0]


def _kind(form: MultiMapping[str]) -> Kind:
    for kind in get_args(Kind):
        if form.get("kind") == kind:
            return kind  # type: ignore[no-any-return]
    raise Rejected("invalid", "kind: choose when it is to run")


def _order(form: MultiMapping[str]) -> dict[str, Any]:
    retry = {
        "attempts": _number(form, "attempts", int),
        "backoff": _number(form, "backoff", float),
    }
    return {
        "name": form.get("name", "").strip(),
        "json": json_object("json", form.get("json", "")),
        "timeout": _number(form, "timeout", int),
        "mode": form.get("mode"),
        "grace": _number(form, "grace", float),
        "retry": {name: value for name, value in retry.items() if value is not None},
    }


def _planned(form: MultiMapping[str]) -> dict[str, Any]:
    return {
        "schedule": _expression(form),
        "zone": form.get("zone", "").strip(),
        "misfire": form.get("misfire"),
        "misfire_cap": _number(form, "misfire_cap", int),
        "overlap": form.get("overlap"),
    }


def _expression(form: MultiMapping[str]) -> str:
    if form.get("how") == "cron":
        return form.get("cron", "")
    months, days, weekdays = (form.getall(name, []) for name in ("months", "days", "weekdays"))
    return cron_line(months, days, weekdays, form.get("times", ""))


def _number(form: MultiMapping[str], name: str, kind: type[int] | type[float]) -> float | None:
    text = form.get(name, "").strip()
    try:
        return kind(text) if text else None
    except ValueError:
        raise Rejected("invalid", f"{name}: {text[:40]!r} is no number; give one") from None


def _preview(form: MultiMapping[str]) -> Mapping[str, Any]:
    """The next instants of the schedule as typed so far, or what is wrong with it."""
    nothing = {"instants": [], "expression": "", "unclear": "", "zone": ""}
    if form.get("kind") != "scheduled":
        return nothing
    try:
        expression = _expression(form)
        plan = Schedule(expression=expression, zone=form.get("zone", "").strip() or "UTC")
        instants = upcoming(plan, datetime.now(UTC))
    except Rejected as refused:
        return nothing | {"unclear": refused.message}
    return {"instants": instants, "expression": expression, "unclear": "", "zone": plan.zone}


async def preview(visit: PageContext) -> web.Response:
    """The preview as a part of the page, for each change of the form."""
    return html(render("preview.html", **_preview(visit.context.request.query)))
