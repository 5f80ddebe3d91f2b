"""The projection of the LOGS stream: chunks become rows.

An executor publishes a run's chunks in order, and again when it can't know whether it succeeded;
a chunk that is there already is left out by its key. The commit is durable, since the stream may
forget the chunk from then on (backlog.py).
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import date
from uuid import UUID

from libs.domain.errors import Rejected
from libs.eventlog.follow import Delivery
from libs.postgres.pool import Connection
from libs.postgres.statements import load
from libs.runlog import message
from libs.telemetry.registry import MetricRegistry
from services.logs import retention
from services.logs.arrivals import Arrivals
from services.logs.metrics import IngestMetrics

logger = logging.getLogger(__name__)

SCHEMA = "logs_v1"
SUBJECTS = ("log.>",)

_SQL = load(__name__)
_DAY_NANOSECONDS = 86_400_000_000_000
_EPOCH = date(1970, 1, 1).toordinal()
_MAX_BIGINT, _MAX_INTEGER = 2**63 - 1, 2**31 - 1

# Waits for kills under way and makes others wait: whichever is first, the other sees its rows.
_LOCK = f"LOCK TABLE killed IN SHARE MODE; {retention.LOCK}"

Row = tuple[UUID, int, int, int, int, int, str, UUID, int, bytes, date]


class Ingest:
    """See libs/eventlog/project.py for the protocol."""

    name = "chunks"

    def __init__(self, arrivals: Arrivals, metrics: IngestMetrics | None = None) -> None:
        self._arrivals = arrivals
        self._metrics = metrics or IngestMetrics(MetricRegistry())
        self._rows: list[Row] = []
        self._last_seq = 0

    async def load(self, connection: Connection) -> None:
        """Nothing is kept in memory."""

    def received(self, batch: Sequence[Delivery]) -> None:
        """Nothing is kept in memory."""

    async def apply(self, connection: Connection, fresh: Sequence[Delivery]) -> None:
        """Writes the chunks, and makes the partitions of their days."""
        rows = self._rows = list(_to_rows(fresh))
        if rows:
            await connection.execute(_LOCK)
            *columns, days = (list(column) for column in zip(*rows, strict=True))
            await retention.ensure_partitions(connection, days)
            await connection.execute(_SQL["insert_chunks"], *columns, days)

    def applied(self, batch: Sequence[Delivery]) -> None:
        """Counts the chunks and wakes their readers. A gap in the sequence is what another copy
        stored and purged before we had it."""
        for _, _, lines, _, _, raw_bytes, _, _, _, data, _ in self._rows:
            self._metrics.count(lines, raw_bytes, len(data))
        self._rows = []
        if batch[-1].seq - self._last_seq > len(batch):
            self._arrivals.announce_all()
        else:
            self._arrivals.announce(one.message.subject.rpartition(".")[2] for one in batch)
        self._last_seq = batch[-1].seq


def _to_rows(batch: Sequence[Delivery]) -> Iterator[Row]:
    """A message that is no chunk is left out: it must not stop the logs of everybody else."""
    for one in batch:
        try:
            yield _to_row(one)
        except Rejected as problem:
            logger.error("message %d on %s: %s", one.seq, one.message.subject, problem)


def _to_row(delivery: Delivery) -> Row:
    workspace, run = message.of_subject(delivery.message.subject)
    chunk, task = message.unpack(delivery.message.headers, delivery.message.data)
    big = (workspace, chunk.first_line + chunk.lines, chunk.first_at, chunk.last_at)
    small = (chunk.first_line, chunk.lines, chunk.raw_bytes)
    if min(*big, *small) < 0 or max(big) > _MAX_BIGINT or max(small[1:]) > _MAX_INTEGER:
        raise Rejected("invalid", "log message: a number in its headers is out of range")
    day = date.fromordinal(_EPOCH + chunk.first_at // _DAY_NANOSECONDS)
    codec = delivery.message.headers["Rondo-Codec"]
    return (
        *(run, chunk.first_line, chunk.lines, chunk.first_at, chunk.last_at, chunk.raw_bytes),
        *(codec, task, workspace, chunk.data, day),
    )
