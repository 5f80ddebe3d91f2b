"""The page of anything's history: its events, and how it was after any of them."""

from datetime import UTC
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from libs.domain.errors import Rejected
from services.api.dashboard.page_context import PageContext
from services.api.history import queries as history
from services.api.history.schemas import History
from services.api.http.errors import STATUS

# Where the thing itself is shown.
_PAGES = {
    "orchestration": "/workloads",
    "task": "/tasks",
    "run": "/runs",
    "connection": "/connections",
    "workspace": "/workspaces",
}
# Fields whose values are users' ids.
_PEOPLE = ("owner", "created_by", "user")


class Field(NamedTuple):
    """`changed` says whether it was another before the last event up to then."""

    name: str
    value: str
    long: bool
    changed: bool


async def show(visit: PageContext) -> web.Response:
    asked = visit.context.request.match_info
    at = visit.context.request.query.get("at", "")
    try:
        found, problem = await _found(visit, at), None
    except Rejected as refused:
        if refused.code != "invalid":
            raise
        found, problem = await _found(visit, ""), refused
    names = await history.people(visit.users, _people(found))
    return visit.inside(found.workspace).page(
        "history.html",
        STATUS[problem.code] if problem else 200,
        title=f"History of {asked['aggregate']} {_name(found)}",
        nav="/workloads" if found.aggregate in ("orchestration", "task", "run") else "",
        thing=f"{_PAGES.get(found.aggregate, '')}/{found.id}",
        history=found,
        events=[(entry, _said(entry.data, names)) for entry in reversed(found.events)],
        state=await _state(visit, found, names),
        at=at,
        moment=_moment(found),
        latest=bool(found.events) and found.until == found.events[-1].seq,
        problem=problem.message if problem else "",
    )


async def _found(visit: PageContext, at: str) -> History:
    path = visit.context.request.match_info
    return await history.history(
        visit.user, visit.store, visit.users, path["aggregate"], path["id"], at
    )


def _name(found: History) -> str:
    fields = found.state or {}
    return str(fields.get("name") or fields.get("file_name") or found.id[:8])


def _people(found: History) -> list[str]:
    """The ids of users that stand in events and in the state."""
    told = [found.state or {}, *(entry.data for entry in found.events)]
    ids = [str(fields[name]) for fields in told for name in _PEOPLE if fields.get(name)]
    return ids + [id for fields in told for id in fields.get("members", {})]


def _said(data: dict[str, Any], names: dict[str, str]) -> list[Field]:
    return [_field(name, value, names) for name, value in data.items()]


async def _state(visit: PageContext, found: History, names: dict[str, str]) -> list[Field]:
    """As it was then, and what the last event had changed."""
    if found.state is None:
        return []
    past = await _found(visit, str(found.until - 1))
    before = past.state or found.state
    return [
        _field(name, value, names, changed=before.get(name) != value)
        for name, value in found.state.items()
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


def _moment(found: History) -> str:
    """When the last event up to then was, in the form of an input for times; in UTC."""
    last = [entry.at for entry in found.events if entry.seq == found.until]
    return last[0].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") if last else ""
