"""The progress of packaging, from what the packagers report of their builds."""

from uuid import UUID

from libs.domain.errors import Unavailable
from libs.domain.orchestration import Orchestration
from libs.eventlog.nats_client import ApiError, Nats
from libs.telemetry import status
from libs.telemetry.status import Building

_MIB = 1 << 20


async def progress(nats: Nats, state: Orchestration) -> str:
    """A sentence, some seconds old; empty if nothing is being built, or nobody reports."""
    if state.status != "packaging":
        return ""
    try:
        statuses = await status.read_all(nats)
    except (Unavailable, ApiError):
        return ""
    builds = (build for one in statuses for build in one.builds)
    return next((described(one) for one in builds if _is(one, state.id)), "")


def described(build: Building) -> str:
    """As in `fetching torch (730.2MiB), triton (150.1MiB): 312 MiB so far, for 42 s`."""
    return f"{build.doing}: {build.bytes / _MIB:.0f} MiB so far, for {build.seconds} s"


def _is(build: Building, id: UUID) -> bool:
    return build.orchestration == str(id)
