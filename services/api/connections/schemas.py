"""Bodies and answers of the routes for connections: names and order of the MLOps API."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libs.domain import connection
from services.api.fields import Instant, WorkspaceId


class CreateConnection(msgspec.Struct):
    """`type` is a word of your own; `details` are for your code: hosts, names, passwords."""

    name: Annotated[str, Meta(examples=["houseprice_arrow_table"])]
    type: Annotated[str, Meta(examples=["HTTPFILE"])]
    details: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"CreateConnection(name={self.name!r})"


class ConnectionByName(msgspec.Struct):
    name: str


class ConnectionById(msgspec.Struct):
    id: UUID


class ListConnections(msgspec.Struct):
    """The connections of a workspace, or by default all that the caller may see."""

    workspace_id: WorkspaceId | None = None


class Attachment(msgspec.Struct):
    workspace_id: WorkspaceId
    connection_id: UUID


class Connection(msgspec.Struct, kw_only=True):
    """Lists have no `details`. `workspace_names` are those that the caller may see."""

    id: UUID
    name: str
    type: str
    created_at: Instant
    created_by: str
    workspace_names: list[str]
    details: Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "object"})] | UnsetType = UNSET

    @staticmethod
    def of(
        state: connection.Connection, names: dict[int, str], details: bytes | None = None
    ) -> "Connection":
        return Connection(
            id=state.id,
            name=state.name,
            type=state.kind,
            created_at=state.created_at,
            created_by=state.created_by,
            workspace_names=[names[id] for id in state.workspaces if id in names],
            details=UNSET if details is None else msgspec.Raw(details),
        )


class Connections(msgspec.Struct):
    connections: list[Connection]


class KeysRotated(msgspec.Struct):
    """How many data keys are now wrapped by the newest key of the ring."""

    rotated: int
