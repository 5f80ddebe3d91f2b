"""The projection that keeps the plan: in memory for deciding, in Postgres for the next start."""

from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec

from libs.eventlog.envelope import Recorded
from libs.postgres.pool import Connection
from libs.postgres.statements import load
from services.scheduler.plan import Plan
from services.scheduler.plan_items import KINDS, Item, OpenRun

SCHEMA = "scheduler_v2"

_SQL = load(__name__)


class PlanProjection:
    """See libs/eventlog/project.py. `wake` is called after the plan has changed."""

    name = "due"

    def __init__(self, plan: Plan, wake: Callable[[], None]) -> None:
        self._plan = plan
        self._wake = wake
        self._encoder = msgspec.json.Encoder()

    async def load(self, connection: Connection) -> None:
        """Restores the plan from its rows."""
        rows = [
            (row["kind"], row["id"], msgspec.json.decode(row["state"], type=KINDS[row["kind"]]))
            for row in await connection.fetch(_SQL["read_plan"])
        ]
        for kind, id, item in sorted(rows, key=_position):
            self._plan.restore(kind, id, item)
        self._wake()

    def received(self, batch: Sequence[Recorded]) -> None:
        """Deciding needs no rows: it goes on at once, and the rows are written later."""
        for fact in batch:
            self._plan.fold(fact)
        self._wake()

    async def apply(self, connection: Connection, fresh: Sequence[Recorded]) -> None:
        """Writes what has changed since the last time, with the caller's transaction."""
        upserts: list[tuple[str, object, bytes]] = []
        deletions: list[tuple[str, object]] = []
        for kind, id in self._plan.changed:
            item = self._plan.table(kind).get(id)
            if item is None:
                deletions.append((kind, id))
            else:
                upserts.append((kind, id, self._encoder.encode(item)))
        if upserts:
            await connection.execute(_SQL["keep"], *map(list, zip(*upserts, strict=True)))
        if deletions:
            await connection.execute(_SQL["forget"], *map(list, zip(*deletions, strict=True)))

    def applied(self, batch: Sequence[Recorded]) -> None:
        """The rows are committed, so nothing has changed since."""
        self._plan.changed.clear()


def _position(row: tuple[str, UUID, Item]) -> int:
    """Runs go in the log's order; the order of the others does not matter."""
    _, _, item = row
    return item.version if isinstance(item, OpenRun) else 0
