"""Who may see and do what: members their workspace, administrators everything (I8).

Each function returns the thing, or raises Rejected: "unauthorized", "not_found" or "forbidden", in
this order. `field` is the field of the request that named the thing.
"""

from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar
from uuid import UUID

from libs.domain.connection import Connection
from libs.domain.errors import Rejected
from libs.domain.orchestration import Orchestration
from libs.domain.run import Run
from libs.domain.workspace import Workspace
from libs.identity.machine_principal import MachinePrincipal, persons_only
from libs.identity.users import User, Users
from services.api.read_model.connections import (
    connections_of,
    find_connection,
    find_connection_named,
)
from services.api.read_model.orchestrations import find_orchestration
from services.api.read_model.paging import find_position
from services.api.read_model.row_types import Rows
from services.api.read_model.runs import find_begun_run, find_run
from services.api.read_model.tasks import TaskRow, find_task
from services.api.read_model.workspaces import find_workspace, workspaces_of

State = TypeVar("State")


def person(user: User) -> User:
    """The same user. Rejected("forbidden") for a machine."""
    if isinstance(user, MachinePrincipal):
        raise persons_only()
    return user


def administrator(user: User) -> User:
    """The same user. Rejected("forbidden") unless they are an administrator."""
    if not user.admin:
        raise Rejected("forbidden", "Authorization: only administrators may do this; ask one")
    return user


async def workspace(user: User, rows: Rows, id: int, field: str = "workspace_id") -> Workspace:
    """A workspace that the caller is a member of; administrators see all."""
    state = await find_workspace(rows, id)
    if state is None:
        raise missing(field, "workspace", id)
    _check(user, state, field)
    return state


def _check(user: User, workspace: Workspace, field: str) -> None:
    if not _may_enter(user, workspace):
        raise Rejected(
            "forbidden",
            f"{field}: you are no member of workspace {workspace.id}; ask its owner to add you",
        )


async def owned_workspace(
    user: User, rows: Rows, id: int, field: str = "workspace_id"
) -> Workspace:
    """A workspace that the caller owns; administrators own all."""
    state = await workspace(user, rows, id, field)
    if not user.admin and state.members[str(user.id)] != "owner":
        raise Rejected("forbidden", f"{field}: only its owners may do this; ask one of them")
    return state


def _may_enter(user: User, workspace: Workspace) -> bool:
    """A machine may enter only the workspaces of its token."""
    member = str(user.id) in workspace.members
    if isinstance(user, MachinePrincipal):
        return workspace.id in user.scope and (member or user.entitled)
    return member or user.admin


def may_see(users: Users, rows: Rows) -> Callable[[UUID, int], Awaitable[bool]]:
    """A function: may the user with that id see that workspace now? Never a disabled user."""

    async def ask(user: UUID, workspace: int) -> bool:
        account = await users.by_id(user)
        if account is None or account.admin:
            return account is not None
        state = await find_workspace(rows, workspace)
        return state is not None and _may_enter(account, state)

    return ask


async def workspaces(user: User, rows: Rows) -> list[Workspace]:
    """All workspaces that the caller may see."""
    if isinstance(user, MachinePrincipal):
        scope = [await find_workspace(rows, id) for id in sorted(user.scope)]
        return [state for state in scope if state and _may_enter(user, state)]
    return await workspaces_of(rows, None if user.admin else str(user.id))


async def chosen_workspaces(
    user: User, rows: Rows, id: int | None, name: str | None = None
) -> list[Workspace]:
    """The workspace with that number. Without one, of those that the caller may see, those of that
    name; without a name all."""
    if id is not None:
        return [await workspace(user, rows, id)]
    visible = await workspaces(user, rows)
    return visible if name is None else [state for state in visible if state.name == name]


async def connection(user: User, rows: Rows, id: UUID, field: str = "id") -> Connection:
    """A connection that the caller may read, including its details."""
    state = await find_connection(rows, id)
    return await _readable(user, rows, state, field, id)


async def connection_named(user: User, rows: Rows, name: str) -> Connection:
    """As `connection`, by its name."""
    state = await find_connection_named(rows, name)
    return await _readable(user, rows, state, "name", name)


async def _readable(
    user: User, rows: Rows, connection: Connection | None, field: str, named_by: object
) -> Connection:
    if connection is None:
        raise missing(field, "connection", named_by)
    if not _owns(user, connection):
        visible = {state.id for state in await workspaces(user, rows)}
        if visible.isdisjoint(connection.workspaces):
            raise Rejected(
                "forbidden",
                f"{field}: connection {named_by} is in none of your workspaces; ask who created it",
            )
    return connection


async def connections(user: User, rows: Rows) -> list[Connection]:
    """All connections that the caller may read."""
    if user.admin:
        return await connections_of(rows, None, None)
    visible = [state.id for state in await workspaces(user, rows)]
    creator = None if isinstance(user, MachinePrincipal) else str(user.id)
    return await connections_of(rows, creator, visible)


async def owned_connection(
    user: User, rows: Rows, id: UUID, field: str = "connection_id"
) -> Connection:
    """A connection that the caller created; administrators own all."""
    connection = await find_connection(rows, id)
    if connection is None:
        raise missing(field, "connection", id)
    if not _owns(user, connection):
        raise Rejected(
            "forbidden", f"{field}: only who created connection {id} may do this; ask them"
        )
    return connection


def _owns(user: User, connection: Connection) -> bool:
    """A machine owns none: a run only reads what is attached to its workspace."""
    mine = user.admin or connection.created_by == str(user.id)
    return mine and not isinstance(user, MachinePrincipal)


async def orchestration(user: User, rows: Rows, id: UUID, field: str = "id") -> Orchestration:
    """An orchestration of a workspace that the caller may see."""
    return visible(user, await find_orchestration(rows, id), field, "orchestration", id)


def visible(
    user: User, row: tuple[State, Workspace] | None, field: str, what: str, named_by: object
) -> State:
    """Of something and its workspace, the thing. Rejected if the caller may not see it."""
    if row is None:
        raise missing(field, what, named_by)
    state, its_workspace = row
    _check(user, its_workspace, field)
    return state


async def task(user: User, rows: Rows, id: UUID, run_limit: int = 0, field: str = "id") -> TaskRow:
    """A task of a workspace that the caller may see, with its newest `run_limit` runs."""
    row = await find_task(rows, id, run_limit)
    if row is None:
        raise missing(field, "task", id)
    await workspace(user, rows, row.task.workspace, field)
    return row


async def run(user: User, rows: Rows, id: UUID, field: str) -> Run:
    """A run of a workspace that the caller may see. Rejected("not_found") before it has begun."""
    return await _visible_run(user, rows, await find_begun_run(rows, id), id, field)


async def requested_run(user: User, rows: Rows, id: UUID, field: str) -> Run:
    """As `run`, whether or not it has begun."""
    return await _visible_run(user, rows, await find_run(rows, id), id, field)


async def _visible_run(user: User, rows: Rows, run: Run | None, id: UUID, field: str) -> Run:
    if run is None:
        raise missing(field, "run", id)
    await workspace(user, rows, run.workspace, field)
    return run


async def before(rows: Rows, kind: Literal["orchestration", "task", "run"], id: UUID | None) -> int:
    """The position in the log where a page begins.

    The caller may not see the thing with that id; the list of the page still has only what they
    may see.
    """
    position = await find_position(rows, kind, id)
    if position is None:
        raise missing("before", kind, id)
    return position


def missing(field: str, what: str, id: object) -> Rejected:
    return Rejected("not_found", f"{field}: there is no {what} {id}; list them to see their ids")
