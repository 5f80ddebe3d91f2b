"""The state of the platform: which services run, how far they are, what is stuck.

Nobody asks the services: each copy reports its status now and then (libs/telemetry/status.py). So a
copy that has just died stays in the list for up to 45 s, with an old `said_at`.
"""

from collections.abc import Iterable, Sequence

import msgspec

from libs.eventlog import dead_letters, hold, streams
from libs.eventlog.dead_letters import DeadLetter
from libs.eventlog.nats_client import Nats
from libs.identity.users import User
from libs.telemetry import status
from libs.telemetry.lag import backlog
from libs.telemetry.status import Environment, ProjectionStatus, Status
from services.api.access import authorize as access
from services.api.admin.schemas import Consumer, Copy, Executor, Platform, Projection, Runs, Stream
from services.api.admin.stream_metrics import STREAMS
from services.api.read_model.row_types import Rows
from services.api.read_model.runs import count_open_runs

_MAX_PARKED = 100  # events on the platform's page


async def platform(user: User, nats: Nats, rows: Rows) -> Platform:
    """The whole state. Like the two below, Rejected("forbidden") unless for an administrator."""
    access.administrator(user)
    statuses = await status.read_all(nats)
    count = await dead_letters.counts(nats)
    reactions = sorted({places.reaction for one in statuses for places in one.reactions})
    return Platform(
        copies=[_copy(one) for one in statuses],
        runs=Runs(*await count_open_runs(rows)),
        executors=[
            Executor(one.instance, places.total, places.used)
            for one in statuses
            for places in one.reactions
            if one.service == "executor"
        ],
        consumers=[await _consumer(nats, name, statuses, count[name]) for name in reactions],
        projections=[_projection(one, row) for one in statuses for row in one.projections],
        streams=[await _stream(nats, name) for name in STREAMS],
        environments=_environments(statuses),
        parked=await dead_letters.oldest(nats, _MAX_PARKED),
        parked_count=count.total(),
        held=await hold.current(nats),
    )


def _copy(status: Status) -> Copy:
    return Copy(
        status.service,
        status.instance,
        status.version,
        status.started_at,
        status.said_at,
        status.tzdata,
    )


def _projection(status: Status, row: ProjectionStatus) -> Projection:
    return Projection(status.service, status.instance, *msgspec.structs.astuple(row))


async def _consumer(nats: Nats, name: str, statuses: Sequence[Status], parked: int) -> Consumer:
    pending = await backlog(nats, name)
    mine = [places for one in statuses for places in one.reactions if places.reaction == name]
    return Consumer(
        name,
        pending.num_pending if pending else 0,
        pending.num_ack_pending if pending else 0,
        parked,
        sum(places.total for places in mine),
        sum(places.used for places in mine),
    )


async def _stream(nats: Nats, name: str) -> Stream:
    state = await streams.state(nats, name)
    return Stream(name, state.messages, state.bytes, state.last_seq)


def _environments(statuses: Iterable[Status]) -> list[Environment]:
    """Each once, the largest first: packagers that share a folder report the same ones."""
    by_id = {environment.id: environment for one in statuses for environment in one.environments}
    return sorted(by_id.values(), key=lambda environment: -environment.bytes)


async def environments(user: User, nats: Nats) -> list[Environment]:
    """The environments of all packagers, the largest first."""
    access.administrator(user)
    return _environments(await status.read_all(nats))


async def parked_events(user: User, nats: Nats) -> list[DeadLetter]:
    """The oldest thousand parked events."""
    access.administrator(user)
    return await dead_letters.oldest(nats)
