"""Workspaces and their members as their readers may see them."""

from uuid import UUID

from libs.domain.errors import Rejected
from libs.domain.workspace import Workspace
from libs.identity.users import User, Users
from services.api.access import authorize as access
from services.api.read_model.models import model_numbers
from services.api.read_model.pipelines import pipeline_numbers
from services.api.read_model.row_types import Rows
from services.api.workspaces import schemas
from services.api.workspaces.schemas import Member

MAX_NUMBERS = 1000  # of models, and of pipelines, of a workspace


async def listed(user: User, rows: Rows, member: UUID | None) -> list[Workspace]:
    """The workspaces of a member, or all that the user may see.

    Rejected("forbidden") for another member, unless the user is an administrator.
    """
    if member is None:
        return await access.workspaces(user, rows)
    if not user.admin and member != user.id:
        raise Rejected("forbidden", "user_id: only administrators may name somebody else")
    visible = await access.workspaces(user, rows)
    return [state for state in visible if str(member) in state.members]


async def with_numbers(user: User, rows: Rows, member: UUID | None) -> list[schemas.Workspace]:
    """As `listed`, with the numbers of their newest models and pipelines."""
    states = await listed(user, rows, member)
    ids = [state.id for state in states]
    models = await model_numbers(rows, ids, MAX_NUMBERS)
    pipelines = await pipeline_numbers(rows, ids, MAX_NUMBERS)
    return [schemas.Workspace.of(state, models[state.id], pipelines[state.id]) for state in states]


async def members(user: User, rows: Rows, users: Users, workspace: int) -> list[Member]:
    """The members of a workspace, without those whose account is gone."""
    state = await access.workspace(user, rows, workspace)
    accounts = await users.by_ids([UUID(id) for id in state.members])
    return [Member.of(account, state.members[str(account.id)]) for account in accounts]
