"""A workspace: a name, and who may work in it."""

from datetime import datetime

import msgspec

from libs.domain import names
from libs.domain.errors import Rejected
from libs.domain.events import (
    WorkspaceCreated,
    WorkspaceEvent,
    WorkspaceMemberAdded,
    WorkspaceMemberRemoved,
)
from libs.domain.history import Happened, existing
from libs.domain.values import Role

MAX_NAME = 128


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """`members` are roles by the id of the user."""

    id: int
    name: str
    created_by: str
    created_at: datetime
    members: dict[str, Role]


def evolve(state: Workspace | None, fact: Happened) -> Workspace:
    """The workspace after one more of its events. ValueError for another's event, or a log that
    begins in the middle."""
    match fact.event:
        case WorkspaceCreated(name=name, owner=owner):
            return Workspace(
                id=fact.stream.workspace,
                name=name,
                created_by=owner,
                created_at=fact.at,
                members={owner: "owner"},
            )
        case WorkspaceMemberAdded(user=user, role=role):
            known = existing(state, "WorkspaceMemberAdded")
            return msgspec.structs.replace(known, members={**known.members, user: role})
        case WorkspaceMemberRemoved(user=user):
            known = existing(state, "WorkspaceMemberRemoved")
            rest = {member: role for member, role in known.members.items() if member != user}
            return msgspec.structs.replace(known, members=rest)
        case other:
            raise ValueError(f"{type(other).__name__} is no event of a workspace")


def create(name: str, owner: str, taken: frozenset[str]) -> list[WorkspaceEvent]:
    """`taken` holds every existing name. Tutorials use letters, digits, `-`, `_` and spaces."""
    names.check("workspace_name", name, MAX_NAME)
    if name in taken:
        raise Rejected(
            "conflict", f"workspace_name: a workspace named {name!r} exists; choose another name"
        )
    return [WorkspaceCreated(name=name, owner=owner)]


def add_member(state: Workspace, user: str, role: Role) -> list[WorkspaceEvent]:
    """Also changes the role of one who is a member already."""
    if state.members.get(user) == role:
        return []
    if role != "owner":
        _spare(state, user)
    return [WorkspaceMemberAdded(user=user, role=role)]


def remove_member(state: Workspace, user: str) -> list[WorkspaceEvent]:
    """Nothing to do where `user` (an id) is no member. Rejected("conflict") for the last owner."""
    if user not in state.members:
        return []
    _spare(state, user)
    return [WorkspaceMemberRemoved(user=user)]


def _spare(state: Workspace, user: str) -> None:
    """A workspace keeps an owner, else nobody could add members to it."""
    if [member for member, role in state.members.items() if role == "owner"] == [user]:
        raise Rejected(
            "conflict", "user_id: this is the last owner of the workspace; add another owner first"
        )
