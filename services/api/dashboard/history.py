"""The page of a history: the events of a thing, and its state after any of them."""

from datetime import UTC
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from aiohttp import web

from libs.domain.errors import Rejected
from services.api.dashboard.page_context import PageContext
from services.api.history import queries as history
from services.api.history.schemas import History
from services.api.http.errors import STATUS
from services.api.read_model.models import models_with_ids
from services.api.read_model.pipelines import pipelines_with_ids

# Where the thing itself is shown.
_PAGES = {
    "orchestration": "/workloads",
    "task": "/tasks",
    "run": "/runs",
    "connection": "/connections",
    "workspace": "/workspaces",
}
# The entry of the menu that a thing belongs to.
_MENU = {
    **dict.fromkeys(("orchestration", "task", "run"), "/workloads"),
    **dict.fromkeys(("model", "model_version"), "/models"),
    **dict.fromkeys(("pipeline", "pipeline_version", "deployment"), "/pipelines"),
}
_BACK = {"model_version": "model", "pipeline_version": "pipeline", "deployment": "pipeline"}
# Fields whose values are users' ids.
_PEOPLE = ("owner", "created_by", "user")


class Field(NamedTuple):
    """A field of a state. `changed`: the last event up to then changed it."""

    name: str
    value: str
    long: bool
    changed: bool


async def show(visit: PageContext) -> web.Response:
    path = visit.context.request.match_info
    at = visit.context.request.query.get("at", "")
    try:
        thing_history, problem = await _history(visit, at), None
    except Rejected as refused:
        if refused.code != "invalid":
            raise
        thing_history, problem = await _history(visit, ""), refused
    names = await history.people(visit.users, _people(thing_history))
    return visit.inside(thing_history.workspace).page(
        "history.html",
        STATUS[problem.code] if problem else 200,
        title=f"History of {path['aggregate'].replace('_', ' ')} {_name(thing_history)}",
        nav=_MENU.get(thing_history.aggregate, ""),
        thing=await _place(visit, thing_history),
        back=_BACK.get(thing_history.aggregate, thing_history.aggregate),
        history=thing_history,
        events=[(entry, _fields(entry.data, names)) for entry in reversed(thing_history.events)],
        state=await _state(visit, thing_history, names),
        at=at,
        moment=_moment(thing_history),
        latest=bool(thing_history.events) and thing_history.until == thing_history.events[-1].seq,
        problem=problem.message if problem else "",
    )


async def _place(visit: PageContext, thing: History) -> str:
    """Where it is shown, or what it is a version or the deployment of; empty if that is gone."""
    aggregate, rows = thing.aggregate, visit.store.rows
    if page := _PAGES.get(aggregate):
        return f"{page}/{thing.id}"
    first = thing.events[0].data
    if aggregate in ("model", "model_version"):
        id = UUID(first.get("model") or thing.id)
        model = (await models_with_ids(rows, [id])).get(id)
        return f"/models/{model.number}" if model else ""
    if aggregate in ("pipeline", "pipeline_version", "deployment"):
        id = UUID(first.get("pipeline") or thing.id)
        pipeline = (await pipelines_with_ids(rows, [id])).get(id)
        return f"/pipelines/{pipeline.number}" if pipeline else ""
    return ""


async def _history(visit: PageContext, at: str) -> History:
    path = visit.context.request.match_info
    return await history.history(
        visit.user, visit.store, visit.users, path["aggregate"], path["id"], at
    )


def _name(history: History) -> str:
    fields = history.state or {}
    return str(fields.get("name") or fields.get("file_name") or history.id[:8])


def _people(history: History) -> list[str]:
    """The ids of users in the events and in the state."""
    states = [history.state or {}, *(entry.data for entry in history.events)]
    ids = [str(fields[name]) for fields in states for name in _PEOPLE if fields.get(name)]
    return ids + [id for fields in states for id in fields.get("members", {})]


def _fields(data: dict[str, Any], names: dict[str, str]) -> list[Field]:
    return [_field(name, value, names) for name, value in data.items()]


async def _state(visit: PageContext, history: History, names: dict[str, str]) -> list[Field]:
    """The fields of the state then, with those that the last event changed."""
    if history.state is None:
        return []
    past = await _history(visit, str(history.until - 1))
    before = past.state or history.state
    return [
        _field(name, value, names, changed=before.get(name) != value)
        for name, value in history.state.items()
    ]


def _field(name: str, value: Any, names: dict[str, str], *, changed: bool = False) -> Field:
    text = _text(name, value, names)
    return Field(name.replace("_", " "), text, "\n" in text or len(text) > 80, changed)


def _text(name: str, value: Any, names: dict[str, str]) -> str:
    if value is None or value in ("", {}, []):
        return ""
    if name == "members":
        return "\n".join(f"{names.get(id, id)}: {role}" for id, role in value.items())
    if isinstance(value, str):
        return names.get(value, value) if name in _PEOPLE else value
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _moment(history: History) -> str:
    """The time of the last event up to then, in UTC, as an input for times takes it."""
    last = [entry.at for entry in history.events if entry.seq == history.until]
    return last[0].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") if last else ""
