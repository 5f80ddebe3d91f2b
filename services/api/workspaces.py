"""Workspaces: numbers and names are unique over the platform, whoever creates at the same time."""

import contextlib

from libs.domain import workspace
from libs.domain.errors import Rejected, Unavailable
from libs.domain.ids import workspace_stream
from libs.eventlog.log import Proposed, WrongVersion
from services.api import access, queries, requests, wire
from services.api.call import VISIBLE_WITHIN, Call

_ALL = "event.*.workspace.*"
_TRIES = 50
_MOST_OF_EMAIL = 100  # leaves room for the rest of a workspace's name


async def create(call: Call, body: requests.CreateWorkspace) -> wire.WorkspaceCreated:
    # Copies of this service race for the next number; within one there is no need to.
    async with call.resources.numbering:
        for _ in range(_TRIES):
            try:
                id, seq = await _create(call, body.workspace_name)
            except WrongVersion:
                continue
            await call.visible(seq, id)
            return wire.WorkspaceCreated(id)
    raise Rejected("conflict", "workspace_name: too many are being created; try again")


async def _create(call: Call, name: str) -> tuple[int, int]:
    """One try, by rows that show every workspace up to now. Gives its id, and the event's place."""
    log, rows = call.resources.log, call.resources.rows
    newest = await log.last_seq_over(_ALL)
    try:
        await call.resources.position.reached(newest, VISIBLE_WITHIN)
    except TimeoutError as error:
        raise Unavailable("the views are behind the log") from error
    id = await queries.workspace_id_to_come(rows)
    taken = await queries.workspace_names(rows)
    (event,) = workspace.create(name, str(call.caller.id), taken)
    return id, await log.append(Proposed(workspace_stream(id), newest, event, _ALL), call.context)


async def default(call: Call) -> workspace.Workspace:
    """The caller's own, made when it is first asked for. Somebody else may have taken its name."""
    user, rows = call.caller, call.resources.rows
    name = f"{user.email[:_MOST_OF_EMAIL]} - Default Workspace"
    for number in range(1, _TRIES):
        found = await queries.workspaces_named(rows, name, str(user.id))
        if found:
            return found[0]
        with contextlib.suppress(Rejected):
            await create(call, requests.CreateWorkspace(f"{name} {number}" if number > 1 else name))
    raise Rejected("conflict", "user_id: no default workspace can be made; create one by a name")


async def list_workspaces(call: Call, body: requests.ListWorkspaces) -> wire.Workspaces:
    rows = call.resources.rows
    if body.user_id is None:
        found = await access.workspaces(call, rows)
    elif call.caller.admin or body.user_id == call.caller.id:
        found = await queries.workspaces(rows, str(body.user_id))
    else:
        raise Rejected("forbidden", "user_id: only administrators may name somebody else")
    return wire.Workspaces([wire.Workspace.of(state) for state in found])
