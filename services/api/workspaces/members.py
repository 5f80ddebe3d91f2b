"""Commands for members: owners and administrators of a workspace decide, everybody may leave."""

from collections.abc import Callable
from uuid import UUID

from libs.domain import workspace
from libs.domain.errors import Rejected
from libs.domain.events import WorkspaceEvent
from libs.domain.ids import workspace_stream
from libs.identity.users import User, Users
from services.api.access import authorize as access
from services.api.append.caller import Caller
from services.api.append.change import change
from services.api.append.store import Store
from services.api.workspaces.schemas import AddMember, RemoveMember


async def add(caller: Caller, store: Store, users: Users, order: AddMember) -> User:
    """Add a user, or change their role, and return the user."""
    await access.owned_workspace(caller.user, store.rows, order.workspace_id)
    user = await _named(users, order.user_id, order.email)
    id, role = str(user.id), order.user_type
    await _change(
        caller, store, order.workspace_id, lambda state: workspace.add_member(state, id, role)
    )
    return user


async def remove(caller: Caller, store: Store, users: Users, order: RemoveMember) -> UUID:
    """Remove a user, whose account may be gone, and return their id."""
    id = order.user_id or (await _named(users, None, order.email)).id
    await leave(caller, store, order.workspace_id, str(id))
    return id


async def leave(caller: Caller, store: Store, id: int, user: str) -> None:
    """Remove the user with that id. Nothing happens if they are no member."""
    if user == str(caller.user.id):
        await access.workspace(caller.user, store.rows, id)
    else:
        await access.owned_workspace(caller.user, store.rows, id)
    await _change(caller, store, id, lambda state: workspace.remove_member(state, user))


async def _change(
    caller: Caller,
    store: Store,
    id: int,
    decide: Callable[[workspace.Workspace], list[WorkspaceEvent]],
) -> None:
    access.person(caller.user)
    await change(caller, store, workspace_stream(id), workspace.evolve, decide)


async def _named(users: Users, id: UUID | None, email: str | None) -> User:
    user = None
    if id is not None:
        user = await users.by_id(id)
    elif email:
        user = await users.by_email(email)
    else:
        raise Rejected("invalid", "user_id: give it, or an email")
    if user is None:
        raise Rejected("not_found", "user_id, email: there is no such user; see users/query")
    return user
