"""Projections: rows that are a function of the log, one transaction with their checkpoint.

Every copy of a service runs the projection over the whole log. The checkpoint row is locked while
a batch is applied, and events that it covers already are left out, so copies and redeliveries
change nothing (I4). Each copy hears of every batch once its rows can be read, whoever wrote them.
A projection that can't apply an event raises and stops: going on would make the rows wrong.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from libs.domain.errors import Unavailable
from libs.eventlog.prefetch import Prefetch, prefetch
from libs.postgres.pool import Connection, Database
from libs.postgres.statements import load
from libs.waiting.event import set_within
from libs.waiting.retry import retry

logger = logging.getLogger(__name__)

QUIET_SECONDS = 0.3  # without news, after which rows are written that were allowed to be behind
MAX_PREFETCHED = 4000  # items that are read while rows are written
WRITE_PAUSE_SECONDS = 0.02  # between transactions that nobody waits for: one for many is cheaper


_SQL = load(__name__)


class Sequenced(Protocol):
    """What a stream gives, with its sequence there."""

    @property
    def seq(self) -> int:
        """Its place in the stream, from 1."""


Item = TypeVar("Item", bound=Sequenced)
Input = TypeVar("Input", bound=Sequenced, contravariant=True)


class Projection(Protocol[Input]):
    """What a service gives to the runner. `name` is the checkpoint's key in its schema."""

    name: str

    async def load(self, connection: Connection) -> None:
        """Fills the memory at the start, in the snapshot in which the checkpoint is read. Called
        again if the database goes away meanwhile."""

    def received(self, batch: Sequence[Input]) -> None:
        """Folds a batch into memory, before its rows are written. A batch may come twice."""

    async def apply(self, connection: Connection, fresh: Sequence[Input]) -> None:
        """Writes the rows of items that no copy has written yet, in the transaction that moves the
        checkpoint."""

    def applied(self, batch: Sequence[Input]) -> None:
        """Called once the rows of these items can be read by everybody."""


class RowsLost(Exception):
    """The database has lost rows that were committed (it was set back, say, or its disk lied).

    What is in memory is of no use then: start again, from the checkpoint that there is.
    """


class Position:
    """How far the rows are, as a sequence of the stream; for reading one's own writes."""

    def __init__(self) -> None:
        self.seq = 0
        self._wanted = 0
        self._waiter = asyncio.Event()  # set while somebody waits
        self._moved = asyncio.Event()

    def move(self, seq: int) -> None:
        """The rows cover `seq` now."""
        self.seq = seq
        if seq >= self._wanted:
            self._waiter.clear()
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def reached(self, seq: int, timeout: float) -> None:
        """Returns once the rows cover `seq`; TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            while self.seq < seq:
                self._wanted = max(self._wanted, seq)
                self._waiter.set()
                await self._moved.wait()

    async def wanted(self, timeout: float) -> None:
        """Returns once somebody waits, at the latest after `timeout` seconds."""
        await set_within(self._waiter, timeout)


class Runner(Generic[Item]):
    """Runs one projection. See the top of the file for what that promises."""

    def __init__(
        self,
        database: Database,
        projection: Projection[Item],
        follow: Callable[[int], AsyncIterator[list[Item]]],
        behind: int = 0,
    ) -> None:
        """`follow(after)` gives the stream's items after a sequence, in order, for ever.

        Where rows only restore the memory at the next start, they may be `behind` it by so many
        items until the stream is quiet; `position` is then that of the memory.
        """
        self._database = database
        self._projection = projection
        self._follow = follow
        self._behind = behind
        self._written = 0
        self._wrote_at = 0.0
        self._waiting: list[Item] = []
        self.position = Position()

    async def run(self) -> None:
        """Runs for ever. Raises RowsLost; what `apply` raises, unless it is Unavailable; and
        Unavailable if the database stays away at the start."""
        self._written = await retry(self._load)
        self.position.move(self._written)
        async with prefetch(self._follow(self._written), MAX_PREFETCHED) as ahead:
            while (batch := await ahead.take(QUIET_SECONDS if self._waiting else None)) is not None:
                if batch and not self._behind:
                    batch += await self._more(ahead)
                self._projection.received(batch)
                self._waiting += batch
                if not batch or len(self._waiting) > self._behind:
                    await self._write(self._waiting)
                    self._projection.applied(self._waiting)
                    self._written, self._waiting = self._waiting[-1].seq, []
                self.position.move(batch[-1].seq if batch else self._written)

    async def _more(self, ahead: Prefetch[Item]) -> list[Item]:
        """What else comes until somebody waits for rows, or the pause is over."""
        now = asyncio.get_running_loop().time()
        if (pause := self._wrote_at + WRITE_PAUSE_SECONDS - now) > 0:
            await self.position.wanted(pause)
        self._wrote_at = asyncio.get_running_loop().time()
        return ahead.rest()

    async def _load(self) -> int:
        async with self._database.snapshot() as connection:
            seq = await connection.fetchval(_SQL["find_checkpoint"], self._projection.name)
            await self._projection.load(connection)
        return int(seq or 0)

    async def _write(self, batch: list[Item]) -> None:
        async def attempt() -> None:
            async with self._database.transaction() as connection:
                await self._write_fresh(connection, batch)

        def waits(problem: Unavailable) -> None:
            logger.warning("projection %s waits: %s", self._projection.name, problem)

        await retry(attempt, None, on_failure=waits)

    async def _write_fresh(self, connection: Connection, batch: list[Item]) -> None:
        name = self._projection.name
        done = await connection.fetchval(_SQL["move_checkpoint"], name, batch[-1].seq)
        if done is None:
            await connection.execute(_SQL["insert_checkpoint"], name)
            return await self._write_fresh(connection, batch)
        if done < self._written:
            raise RowsLost(f"{name} is at {done}, was at {self._written}")
        fresh = [item for item in batch if item.seq > done]
        if fresh:
            await self._projection.apply(connection, fresh)
        return None
