"""Bodies and answers of the routes for workspaces: names and order of the MLOps API."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from libs.domain import workspace
from libs.domain.values import Role
from libs.identity.users import User
from services.api.fields import Email, Instant, WorkspaceId


class CreateWorkspace(msgspec.Struct):
    workspace_name: Annotated[str, Meta(examples=["churn-models"])]


class ListWorkspaces(msgspec.Struct):
    """The workspaces of a user, or by default all that the caller may see."""

    user_id: UUID | None = None


class AddMember(msgspec.Struct):
    """The user, by id or email. If they are a member already, their type changes."""

    workspace_id: WorkspaceId
    user_id: UUID | None = None
    email: Email | None = None
    user_type: Role = "collaborator"


class RemoveMember(msgspec.Struct):
    """The user, by id or email."""

    workspace_id: WorkspaceId
    user_id: UUID | None = None
    email: Email | None = None


class ListMembers(msgspec.Struct):
    workspace_id: WorkspaceId


class WorkspaceCreated(msgspec.Struct):
    workspace_id: int


class Workspace(msgspec.Struct):
    """`models` and `pipelines` are numbers, in lists of workspaces; elsewhere they are empty."""

    id: int
    name: str
    created_at: Instant
    created_by: str
    archived: bool = False
    models: list[int] = []
    pipelines: list[int] = []

    @staticmethod
    def of(
        state: workspace.Workspace, models: Sequence[int] = (), pipelines: Sequence[int] = ()
    ) -> "Workspace":
        return Workspace(
            state.id,
            state.name,
            state.created_at,
            state.created_by,
            models=list(models),
            pipelines=list(pipelines),
        )


class Workspaces(msgspec.Struct):
    workspaces: list[Workspace]


class Member(msgspec.Struct):
    user_id: UUID
    email: str
    username: str
    user_type: Role

    @staticmethod
    def of(user: User, role: Role) -> "Member":
        return Member(user.id, user.email, user.username, role)


class Members(msgspec.Struct):
    users: list[Member]


class MemberRemoved(msgspec.Struct):
    workspace_id: int
    user_id: UUID
