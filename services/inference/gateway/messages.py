"""What control and a gateway of another process tell each other, in the order in which it was said.

Connections of callers go along on the same channel (libs/service/handover.py).
"""

from uuid import UUID

import msgspec

from services.inference.gateway.table import Load, Route


class SetRoute(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Serve it so from now on. `number` counts what control says."""

    number: int
    route: Route


class RemoveRoute(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """It is served no more."""

    number: int
    id: UUID


class Activate(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """There is a request for this deployment, and no replica."""

    id: UUID


class Report(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """What the gateway does now, having heard all up to `number`: of the deployments that had a
    request lately, and which replicas run something for it. `counts` are those of its metrics."""

    number: int
    loads: list[tuple[UUID, Load]]
    replicas: list[UUID]
    counts: dict[str, list[float]]


encode = msgspec.msgpack.Encoder().encode
decode_order = msgspec.msgpack.Decoder(SetRoute | RemoveRoute).decode
decode_report = msgspec.msgpack.Decoder(Activate | Report).decode
