"""The projection that keeps the plan: in memory for deciding, in Postgres for the next start."""

from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec

from libs.eventlog.envelope import Recorded
from libs.postgres.pool import Connection
from libs.postgres.statements import load
from services.scheduler.plan import KINDS, Item, OpenRun, Plan

SCHEMA = "scheduler_v2"

_SQL = load(__name__)


class PlanProjection:
    name = "due"

    def __init__(self, plan: Plan, wake: Callable[[], None]) -> None:
        self._plan = plan
        self._wake = wake
        self._encoder = msgspec.json.Encoder()

    async def load(self, connection: Connection) -> None:
        kept = [
            (row["kind"], row["id"], msgspec.json.decode(row["state"], type=KINDS[row["kind"]]))
            for row in await connection.fetch(_SQL["read_plan"])
        ]
        for kind, id, item in sorted(kept, key=_position):
            self._plan.restore(kind, id, item)
        self._wake()

    def received(self, batch: Sequence[Recorded]) -> None:
        """Deciding needs no rows: it goes on at once, and they are written some time."""
        for fact in batch:
            self._plan.fold(fact)
        self._wake()

    async def apply(self, connection: Connection, fresh: Sequence[Recorded]) -> None:
        kept: list[tuple[str, object, bytes]] = []
        gone: list[tuple[str, object]] = []
        for kind, id in self._plan.changed:
            item = self._plan.table(kind).get(id)
            if item is None:
                gone.append((kind, id))
            else:
                kept.append((kind, id, self._encoder.encode(item)))
        if kept:
            await connection.execute(_SQL["keep"], *map(list, zip(*kept, strict=True)))
        if gone:
            await connection.execute(_SQL["forget"], *map(list, zip(*gone, strict=True)))

    def applied(self, batch: Sequence[Recorded]) -> None:
        """What has changed is kept now."""
        self._plan.changed.clear()


def _position(kept: tuple[str, UUID, Item]) -> int:
    """Runs in the log's order; of others it is of no matter."""
    _, _, item = kept
    return item.version if isinstance(item, OpenRun) else 0
