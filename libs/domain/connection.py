"""A connection: how to reach a data source, under a name that all of the platform knows.

Its details are sealed before they get here; nothing in this file can read them. It belongs to who
created it, and members of the workspaces that it is attached to may use it.
"""

from datetime import datetime
from uuid import UUID, uuid5

import msgspec

from libs.domain import names
from libs.domain.errors import Rejected
from libs.domain.events import (
    ConnectionAttached,
    ConnectionCreated,
    ConnectionDeleted,
    ConnectionDetached,
    ConnectionEvent,
)
from libs.domain.history import Happened, existing

MAX_NAME = 128
MAX_KIND = 128


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """`details` is a sealed text; of a deleted connection nothing is kept but that it was."""

    id: UUID
    name: str
    kind: str
    details: str
    created_by: str
    created_at: datetime
    workspaces: list[int] = []
    deleted: bool = False


def evolve(state: Connection | None, fact: Happened) -> Connection:
    """The connection after one more of its events. ValueError for another's event, or a log that
    begins in the middle."""
    match fact.event:
        case ConnectionCreated(name=name, kind=kind, details=details):
            return Connection(
                id=UUID(fact.stream.id),
                name=name,
                kind=kind,
                details=details,
                created_by=fact.actor,
                created_at=fact.at,
            )
        case ConnectionAttached(workspace=workspace):
            known = existing(state, "ConnectionAttached")
            return msgspec.structs.replace(known, workspaces=[*known.workspaces, workspace])
        case ConnectionDetached(workspace=workspace):
            known = existing(state, "ConnectionDetached")
            rest = [each for each in known.workspaces if each != workspace]
            return msgspec.structs.replace(known, workspaces=rest)
        case ConnectionDeleted():
            known = existing(state, "ConnectionDeleted")
            return msgspec.structs.replace(known, details="", workspaces=[], deleted=True)
        case other:
            raise ValueError(f"{type(other).__name__} is no event of a connection")


def link_id(connection: UUID, workspace: int) -> UUID:
    """Of a connection in a workspace: always the same, so that it is stored nowhere."""
    return uuid5(connection, str(workspace))


def create(order: ConnectionCreated, taken: bool) -> list[ConnectionEvent]:
    """`taken` says whether another connection that is not deleted has the name."""
    names.check("name", order.name, MAX_NAME)
    names.check("type", order.kind, MAX_KIND)
    if taken:
        raise Rejected(
            "conflict",
            f"name: a connection named {order.name!r} exists already; choose another name",
        )
    return [order]


def attach(connection: Connection, workspace: int) -> list[ConnectionEvent]:
    """Lets the members of `workspace` use it; nothing to do where they may.

    Rejected("not_found") once it is deleted.
    """
    if connection.deleted:
        raise _gone(connection)
    return [] if workspace in connection.workspaces else [ConnectionAttached(workspace=workspace)]


def detach(connection: Connection, workspace: int) -> list[ConnectionEvent]:
    """Nothing to do where it is not attached."""
    if workspace not in connection.workspaces:
        return []
    return [ConnectionDetached(workspace=workspace)]


def delete(connection: Connection) -> list[ConnectionEvent]:
    """It is detached everywhere and its name is free. Deleting twice is deleting once."""
    return [] if connection.deleted else [ConnectionDeleted()]


def _gone(connection: Connection) -> Rejected:
    return Rejected(
        "not_found", f"connection_id: connection {connection.id} is deleted; create it again"
    )
