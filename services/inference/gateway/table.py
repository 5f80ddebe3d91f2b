"""Where requests go, as control says it. Plain data: it is sent to gateways of other processes."""

from uuid import UUID

import msgspec

from services.inference.gateway.figures import Shown


class Member(msgspec.Struct, frozen=True, array_like=True):
    """A replica that takes requests: at `socket`, so many at a time."""

    id: UUID
    version: UUID
    socket: str
    connections: int


class Route(msgspec.Struct, frozen=True, array_like=True):
    """A deployment that is served; without members until somebody wants one."""

    id: UUID
    name: str
    workspace: int
    pipeline: UUID
    members: list[Member]


class Load(msgspec.Struct, frozen=True, array_like=True):
    """What a gateway does for a deployment: requests that wait and run, the instant of the last one
    by time.monotonic(), and what is to be shown."""

    waiting: int
    running: int
    last: float
    shown: Shown
