"""The projection of events: which runs have ended, and which tasks' logs to delete.

It reads the whole log: NATS takes many times longer to pick some of its subjects than we do to skip
the few others.
"""

from collections.abc import Sequence
from uuid import UUID

from libs.domain.events import RunFinished, RunRequested, TaskKilled
from libs.eventlog.envelope import Recorded
from libs.postgres.pool import Connection
from libs.postgres.statements import load
from services.logs.arrivals import Arrivals

_SQL = load(__name__)


class RunsProjection:
    """See libs/eventlog/project.py for the protocol."""

    name = "runs"

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    async def load(self, connection: Connection) -> None:
        """Nothing is kept in memory."""

    def received(self, batch: Sequence[Recorded]) -> None:
        """Nothing is kept in memory."""

    async def apply(self, connection: Connection, fresh: Sequence[Recorded]) -> None:
        """Notes requests and ends of runs, and deletes the logs of killed tasks. The log has a
        run's request before its end, and its end before its task is killed."""
        requested: list[tuple[UUID, UUID]] = []
        finished: list[tuple[UUID, int | None]] = []
        killed: list[UUID] = []
        for one in fresh:
            match one.event:
                case RunRequested(task=task):
                    requested.append((one.stream.uuid, task))
                case RunFinished(lines=lines):
                    finished.append((one.stream.uuid, lines))
                case TaskKilled(keep_logs=False):
                    killed.append(one.stream.uuid)
        await _write(connection, _SQL["insert_runs"], requested)
        await _write(connection, _SQL["finish_runs"], finished)
        if killed:
            await connection.execute(_SQL["mark_killed"], killed)
            await connection.execute(_SQL["delete_chunks"], killed)

    def applied(self, batch: Sequence[Recorded]) -> None:
        """Wakes the readers of these runs."""
        self._arrivals.announce(one.stream.id for one in batch)


async def _write(
    connection: Connection, query: str, pairs: Sequence[tuple[object, object]]
) -> None:
    if pairs:
        first, second = zip(*pairs, strict=True)
        await connection.execute(query, list(first), list(second))
