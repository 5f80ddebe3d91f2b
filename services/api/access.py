"""Who may see and do what: members their workspace, administrators all (I8).

Each function gives what was asked for, or Rejected: "unauthorized", "not_found", "forbidden", in
this order. `field` is what the caller named it by.
"""

from uuid import UUID

from aiohttp import web

from libs.domain.errors import Rejected
from libs.domain.orchestration import Orchestration
from libs.domain.run import Run
from libs.domain.workspace import Workspace
from services.api import queries
from services.api.call import Call, Resources
from services.api.identity.users import User
from services.api.queries import Rows, TaskRow


async def authenticated(resources: Resources, request: web.Request) -> User:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Rejected("unauthorized", "Authorization: send 'Bearer' and an access token")
    user = await resources.users.by_id(resources.tokens.subject(token.strip(), "Bearer"))
    if user is None:
        raise Rejected("unauthorized", "Authorization: this user is gone or disabled; log in again")
    return user


async def workspace(call: Call, rows: Rows, id: int, field: str = "workspace_id") -> Workspace:
    found = await queries.workspace(rows, id)
    if found is None:
        raise _missing(field, "workspace", id)
    if not call.caller.admin and str(call.caller.id) not in found.members:
        raise Rejected(
            "forbidden", f"{field}: you are no member of workspace {id}; ask its owner to add you"
        )
    return found


async def owned_workspace(
    call: Call, rows: Rows, id: int, field: str = "workspace_id"
) -> Workspace:
    """One that the caller owns; administrators own all."""
    found = await workspace(call, rows, id, field)
    if not call.caller.admin and found.members[str(call.caller.id)] != "owner":
        raise Rejected("forbidden", f"{field}: only its owners may do this; ask one of them")
    return found


async def workspaces(call: Call, rows: Rows) -> list[Workspace]:
    """All that the caller may see."""
    return await queries.workspaces(rows, None if call.caller.admin else str(call.caller.id))


async def orchestration(call: Call, rows: Rows, id: UUID, field: str = "id") -> Orchestration:
    found = await queries.orchestration(rows, id)
    if found is None:
        raise _missing(field, "orchestration", id)
    await workspace(call, rows, found.workspace, field)
    return found


async def task(call: Call, rows: Rows, id: UUID, run_limit: int = 0, field: str = "id") -> TaskRow:
    found = await queries.task(rows, id, run_limit)
    if found is None:
        raise _missing(field, "task", id)
    await workspace(call, rows, found.task.workspace, field)
    return found


async def run(call: Call, rows: Rows, id: UUID, field: str) -> Run:
    """Not found too when it has not begun."""
    found = await queries.run(rows, id)
    if found is None:
        raise _missing(field, "run", id)
    await workspace(call, rows, found.workspace, field)
    return found


def _missing(field: str, what: str, id: object) -> Rejected:
    return Rejected("not_found", f"{field}: there is no {what} {id}; list them to see their ids")
