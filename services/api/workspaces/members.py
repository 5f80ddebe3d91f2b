"""Who works in a workspace: its owners and administrators say so; everybody may leave."""

from collections.abc import Callable
from uuid import UUID

from libs.domain import workspace
from libs.domain.errors import Rejected
from libs.domain.events import WorkspaceEvent
from libs.domain.ids import workspace_stream
from libs.eventlog.transact import transact
from libs.identity.users import User
from services.api import requests, wire
from services.api.access import authorize as access
from services.api.http.request_context import RequestContext


async def add(call: RequestContext, body: requests.AddMember) -> wire.Member:
    """Adds a user, or changes what they are."""
    await access.owned_workspace(call, call.resources.rows, body.workspace_id)
    user = await _named(call, body.user_id, body.email)
    id, role = str(user.id), body.user_type
    await _change(call, body.workspace_id, lambda state: workspace.add_member(state, id, role))
    return wire.Member.of(user, body.user_type)


async def remove(call: RequestContext, body: requests.RemoveMember) -> wire.MemberRemoved:
    # An id may also be that of one whose account is gone.
    id = body.user_id or (await _named(call, None, body.email)).id
    await leave(call, body.workspace_id, str(id))
    return wire.MemberRemoved(body.workspace_id, id)


async def leave(call: RequestContext, id: int, user: str) -> None:
    """Nothing happens when they are no member."""
    if user == str(call.caller.id):
        await access.workspace(call, call.resources.rows, id)
    else:
        await access.owned_workspace(call, call.resources.rows, id)
    await _change(call, id, lambda state: workspace.remove_member(state, user))


async def list_members(call: RequestContext, body: requests.ListMembers) -> wire.Members:
    """Of one workspace; without those whose account is gone."""
    found = await access.workspace(call, call.resources.rows, body.workspace_id)
    users = await call.resources.users.by_ids([UUID(id) for id in found.members])
    return wire.Members([wire.Member.of(user, found.members[str(user.id)]) for user in users])


async def _change(
    call: RequestContext, id: int, decide: Callable[[workspace.Workspace], list[WorkspaceEvent]]
) -> None:
    access.person(call)
    log, stream = call.resources.log, workspace_stream(id)
    outcome = await transact(log, stream, workspace.evolve, decide, call.context)
    await call.visible(outcome.seq, id)


async def _named(call: RequestContext, id: UUID | None, email: str | None) -> User:
    users = call.resources.users
    found = None
    if id is not None:
        found = await users.by_id(id)
    elif email:
        found = await users.by_email(email)
    else:
        raise Rejected("invalid", "user_id: give it, or an email")
    if found is None:
        raise Rejected("not_found", "user_id, email: there is no such user; see users/query")
    return found
