"""Commands for workspaces. Their numbers and names are unique on the platform."""

import contextlib
from uuid import UUID

from libs.domain import workspace
from libs.domain.errors import Rejected
from libs.domain.events import Event
from libs.domain.ids import StreamId, workspace_stream
from libs.identity.machine_principal import MachinePrincipal
from services.api.access import authorize as access
from services.api.append import idempotency, unique_append
from services.api.append.caller import Caller
from services.api.append.store import Store
from services.api.read_model.workspaces import next_workspace_id, workspace_names, workspaces_named

_SUBJECTS = "event.*.workspace.*"
_MAX_DEFAULT_NAMES = 50
_MAX_EMAIL = 100  # leaves room for the rest of a workspace's name


async def create(caller: Caller, store: Store, name: str) -> int:
    """Create a workspace that the caller owns, and return its number.

    Rejected("conflict") if the name is taken, "forbidden" for a machine.
    """
    rows, owner = store.rows, str(access.person(caller.user).id)

    async def decide() -> tuple[StreamId, Event]:
        id = await next_workspace_id(rows)
        names = await workspace_names(rows)
        (event,) = workspace.create(name, owner, names)
        return workspace_stream(id), event

    command = idempotency.of_key(caller, "workspaces/create")
    try:
        stream, seq = await unique_append.append(
            caller, store, _SUBJECTS, "workspace_name", decide, command
        )
    except Rejected as refused:
        earlier = None
        if refused.code == "conflict":
            earlier = await _earlier(caller, store, name, command)
        if earlier is None:
            raise
        stream, seq = earlier
    await store.visible(seq, stream.workspace)
    return stream.workspace


async def _earlier(
    caller: Caller, store: Store, name: str, command: UUID | None
) -> tuple[StreamId, int] | None:
    """The workspace with that name, if an earlier try of this command has created it."""
    for state in await workspaces_named(store.rows, name, str(caller.user.id)):
        stream = workspace_stream(state.id)
        seq = await idempotency.caused(store, command, stream) if state.name == name else None
        if seq is not None:
            return stream, seq
    return None


async def default(caller: Caller, store: Store) -> workspace.Workspace:
    """The caller's own workspace, created at its first use; a machine gets the first of its token.

    Somebody else may have taken its name; then it gets a number.
    """
    user, rows = caller.user, store.rows
    if isinstance(user, MachinePrincipal):
        return await access.workspace(user, rows, min(user.scope))
    name = f"{user.email[:_MAX_EMAIL]} - Default Workspace"
    for number in range(1, _MAX_DEFAULT_NAMES):
        workspaces = await workspaces_named(rows, name, str(user.id))
        if workspaces:
            return workspaces[0]
        with contextlib.suppress(Rejected):
            await create(caller, store, f"{name} {number}" if number > 1 else name)
    raise Rejected("conflict", "user_id: no default workspace can be made; create one by a name")
