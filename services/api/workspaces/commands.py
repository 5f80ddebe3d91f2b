"""Workspaces: numbers and names are unique over the platform, whoever creates at the same time."""

import contextlib
from uuid import UUID

from libs.domain import workspace
from libs.domain.errors import Rejected
from libs.domain.events import Event
from libs.domain.ids import StreamId, workspace_stream
from libs.identity.machine_principal import MachinePrincipal
from services.api import requests, wire
from services.api.access import authorize as access
from services.api.append import idempotency, unique_append
from services.api.http.request_context import RequestContext
from services.api.read_model.workspaces import next_workspace_id, workspace_names, workspaces_named

_ALL = "event.*.workspace.*"
_TRIES = 50
_MOST_OF_EMAIL = 100  # leaves room for the rest of a workspace's name


async def create(call: RequestContext, body: requests.CreateWorkspace) -> wire.WorkspaceCreated:
    rows, owner = call.resources.rows, str(access.person(call).id)

    async def decide() -> tuple[StreamId, Event]:
        id = await next_workspace_id(rows)
        taken = await workspace_names(rows)
        (event,) = workspace.create(body.workspace_name, owner, taken)
        return workspace_stream(id), event

    command = idempotency.of_key(call, "workspaces/create")
    try:
        stream, seq = await unique_append.append(call, _ALL, "workspace_name", decide, command)
    except Rejected as refused:
        taken = refused.code == "conflict"
        known = await _known(call, body.workspace_name, command) if taken else None
        if known is None:
            raise
        stream, seq = known
    await call.visible(seq, stream.workspace)
    return wire.WorkspaceCreated(stream.workspace)


async def _known(
    call: RequestContext, name: str, command: UUID | None
) -> tuple[StreamId, int] | None:
    """The workspace of that name, if this command has made it before."""
    for found in await workspaces_named(call.resources.rows, name, str(call.caller.id)):
        stream = workspace_stream(found.id)
        seq = await idempotency.caused(call, command, stream) if found.name == name else None
        if seq is not None:
            return stream, seq
    return None


async def default(call: RequestContext) -> workspace.Workspace:
    """The caller's own, made when it is first asked for. Somebody else may have taken its name.

    To a machine, that is the first workspace that it is for: a run's own.
    """
    user, rows = call.caller, call.resources.rows
    if isinstance(user, MachinePrincipal):
        return await access.workspace(call, rows, min(user.scope))
    name = f"{user.email[:_MOST_OF_EMAIL]} - Default Workspace"
    for number in range(1, _TRIES):
        found = await workspaces_named(rows, name, str(user.id))
        if found:
            return found[0]
        with contextlib.suppress(Rejected):
            await create(call, requests.CreateWorkspace(f"{name} {number}" if number > 1 else name))
    raise Rejected("conflict", "user_id: no default workspace can be made; create one by a name")


async def list_workspaces(call: RequestContext, body: requests.ListWorkspaces) -> wire.Workspaces:
    rows = call.resources.rows
    if body.user_id is None:
        found = await access.workspaces(call, rows)
    elif call.caller.admin or body.user_id == call.caller.id:
        visible = await access.workspaces(call, rows)
        found = [state for state in visible if str(body.user_id) in state.members]
    else:
        raise Rejected("forbidden", "user_id: only administrators may name somebody else")
    return wire.Workspaces([wire.Workspace.of(state) for state in found])
