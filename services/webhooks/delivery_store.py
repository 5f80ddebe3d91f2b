"""How far each webhook has got, who delivers for it, and what became of each attempt."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.domain.errors import Unavailable
from libs.postgres.pool import Connection, Database
from libs.postgres.statements import load
from services.webhooks.sender import Outcome

_SQL = load(__name__)

MAX_ATTEMPTS_KEPT = 200  # of a subscription, the last ones


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """All events up to `seq` are dealt with. The next one has been tried `tries` times since
    `first_try`, and will be again at `next_try`."""

    seq: int
    tries: int = 0
    first_try: datetime | None = None
    next_try: datetime | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try to deliver an event, the `number`th; `event` is its id."""

    subscription: UUID
    seq: int
    event: str
    type: str
    at: datetime
    number: int
    outcome: Outcome


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt, as users see it."""

    sequence: int
    event: str
    type: str
    at: datetime
    attempt: int
    milliseconds: int
    status: int | None
    problem: str


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was given up on after so many attempts; `problem` is that of the last one."""

    sequence: int
    event: str
    type: str
    at: datetime
    attempts: int
    problem: str


class Changes(msgspec.Struct):
    """What one transaction writes. A dead letter is given by its last attempt."""

    cursors: dict[UUID, Cursor] = {}
    attempts: list[Attempt] = []
    dead_letters: list[Attempt] = []


class DeliveryStore:
    """The rows of deliveries, for one copy of the service; it holds leases as `holder`. Every
    method raises Unavailable while the database is away."""

    def __init__(self, database: Database, holder: UUID) -> None:
        self._database = database
        self._holder = holder
        self._grown: set[UUID] = set()  # subscriptions with attempts that nobody pruned yet

    async def claim(self, seconds: float) -> dict[UUID, Cursor]:
        """Takes the leases of webhooks for `seconds`, ours and those that others left. Returns
        their cursors by subscription."""
        await self._database.execute(_SQL["begin_cursors"])
        return _cursors(await self._database.fetch(_SQL["claim"], self._holder, seconds))

    async def release(self) -> None:
        """Gives up all leases, so that other copies go on at once."""
        await self._database.execute(_SQL["release"], self._holder)

    async def write(self, changes: Changes) -> None:
        """Writes all changes in one transaction. A cursor that another copy has taken over
        meanwhile stays where that copy left it; of a subscription that is forgotten nothing is
        written."""
        async with self._database.transaction() as connection:
            await _move_cursors(connection, self._holder, changes.cursors)
            await _insert_attempts(connection, changes.attempts)
            await _insert_dead_letters(connection, changes.dead_letters)
        self._grown.update(one.subscription for one in changes.attempts)

    async def cursors(self, ids: Sequence[UUID]) -> dict[UUID, Cursor]:
        """The cursors of these subscriptions; one that was never claimed is left out."""
        return _cursors(await self._database.fetch(_SQL["find_cursors"], ids))

    async def slowest(self) -> int | None:
        """The sequence of the webhook that is behind the most; None if no webhook is active."""
        seq: int | None = await self._database.fetchval(_SQL["slowest"])
        return seq

    async def count_dead_letters(self) -> int:
        """The number of dead letters of all subscriptions."""
        return int(await self._database.fetchval(_SQL["count_dead_letters"]))

    async def deliveries(self, id: UUID, limit: int) -> list[Delivery]:
        """The last `limit` attempts of a subscription, the newest first."""
        rows = await self._database.fetch(_SQL["last_deliveries"], id, limit)
        return [Delivery(**row) for row in rows]

    async def dead_letters(self, id: UUID, limit: int) -> list[DeadLetter]:
        """The first `limit` dead letters of a subscription, in the order of their events."""
        rows = await self._database.fetch(_SQL["dead_letters_of"], id, limit)
        return [DeadLetter(**row) for row in rows]

    async def dead_letter(self, id: UUID, seq: int) -> DeadLetter | None:
        """The dead letter of the event `seq`, if the subscription has it."""
        row = await self._database.fetchrow(_SQL["find_dead_letter"], id, seq)
        return DeadLetter(**row) if row else None

    async def discard(self, id: UUID, seq: int) -> bool:
        """Deletes a dead letter; returns whether it existed."""
        return bool(await self._database.fetchval(_SQL["discard_dead_letter"], id, seq))

    async def prune(self) -> None:
        """Deletes all but the last attempts of each subscription that this copy has written some
        of; what a killed copy left goes with the next attempt."""
        grown, self._grown = self._grown, set()
        try:
            async with self._database.transaction() as connection:
                await connection.executemany(
                    _SQL["prune_deliveries"], [(id, MAX_ATTEMPTS_KEPT) for id in grown]
                )
        except Unavailable:
            self._grown |= grown
            raise

    async def forget(self, id: UUID) -> None:
        """Deletes all rows of a subscription."""
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["forget_cursor"], id)
            await connection.execute(_SQL["forget_deliveries"], id)
            await connection.execute(_SQL["forget_dead_letters"], id)


def _cursors(rows: Sequence[Any]) -> dict[UUID, Cursor]:
    return {
        id: Cursor(seq=seq, tries=tries, first_try=first, next_try=next)
        for id, seq, tries, first, next in rows
    }


async def _move_cursors(
    connection: Connection, holder: UUID, cursors: Mapping[UUID, Cursor]
) -> None:
    await connection.executemany(
        _SQL["move_cursor"],
        [(id, holder, *msgspec.structs.astuple(cursor)) for id, cursor in cursors.items()],
    )


async def _insert_attempts(connection: Connection, attempts: Sequence[Attempt]) -> None:
    await connection.executemany(
        _SQL["insert_attempt"],
        [
            (
                *_columns(one),
                one.outcome.milliseconds,
                one.outcome.status,
                one.outcome.problem,
            )
            for one in attempts
        ],
    )


async def _insert_dead_letters(connection: Connection, last_attempts: Sequence[Attempt]) -> None:
    await connection.executemany(
        _SQL["insert_dead_letter"],
        [(*_columns(one), one.outcome.problem) for one in last_attempts],
    )


def _columns(one: Attempt) -> tuple[UUID, int, str, str, datetime, int]:
    return one.subscription, one.seq, one.event, one.type, one.at, one.number
