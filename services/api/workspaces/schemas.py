"""Workspaces and their members as they come in and go out, in the MLOps API's names and order."""

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
    """Of one user, or by default all that the caller may see."""

    user_id: UUID | None = None


class AddMember(msgspec.Struct):
    """The user by id or by email. One who is a member already changes to this type."""

    workspace_id: WorkspaceId
    user_id: UUID | None = None
    email: Email | None = None
    user_type: Role = "collaborator"


class RemoveMember(msgspec.Struct):
    """The user by id or by email."""

    workspace_id: WorkspaceId
    user_id: UUID | None = None
    email: Email | None = None


class ListMembers(msgspec.Struct):
    workspace_id: WorkspaceId


class WorkspaceCreated(msgspec.Struct):
    workspace_id: int


class Workspace(msgspec.Struct):
    """`models` and `pipelines` are empty: there are none here."""

    id: int
    name: str
    created_at: Instant
    created_by: str
    archived: bool = False
    models: list[int] = []
    pipelines: list[int] = []

    @staticmethod
    def of(state: workspace.Workspace) -> "Workspace":
        return Workspace(state.id, state.name, state.created_at, state.created_by)


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
