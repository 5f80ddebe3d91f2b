"""Where requests go, as control says it. Plain data: it is sent to gateways of other processes."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from services.inference.gateway.figures import Shown

# Requests that a replica has received and not begun: while processors are busy, it is slow to wake
# up for each.
MAX_AHEAD = 3


class Member(msgspec.Struct, frozen=True, array_like=True):
    """A replica that takes requests at `socket`, and runs so many `at_once`."""

    id: UUID
    version: UUID
    socket: str
    at_once: int

    @property
    def connections(self) -> int:
        """To it, from each gateway."""
        return self.at_once + MAX_AHEAD


class Route(msgspec.Struct, frozen=True, array_like=True):
    """A deployment; without members until somebody wants one, and for good if it can't be served:
    `failure` says why."""

    id: UUID
    name: str
    workspace: int
    pipeline: UUID
    members: list[Member]
    failure: str = ""


class Load(msgspec.Struct, frozen=True, array_like=True):
    """What a gateway does for a deployment: requests that wait and run, the instant of the last one
    by time.monotonic(), and what is to be shown."""

    waiting: int
    running: int
    last: float
    shown: Shown


def together(loads: Sequence[Load]) -> Load:
    """Of one deployment in several gateways. Of times those of the busiest are shown."""
    if len(loads) == 1:
        return loads[0]
    busiest = max(loads, key=lambda one: one.shown.requests_per_second).shown
    return Load(
        sum(one.waiting for one in loads),
        sum(one.running for one in loads),
        max(one.last for one in loads),
        Shown(
            round(sum(one.shown.requests_per_second for one in loads), 2),
            round(sum(one.shown.errors_per_second for one in loads), 2),
            busiest.p50,
            busiest.p99,
            sum(one.shown.total for one in loads),
            sum(one.shown.errors for one in loads),
        ),
    )
