"""How far each webhook has got, who delivers for it, and what became of each attempt."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.postgres.pool import Connection, Database
from services.webhooks.sender import Outcome

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


_CLAIM = """
UPDATE cursor SET holder = $1, held_until = now() + $2 * interval '1 second'
WHERE (holder = $1 OR held_until < now())
    AND EXISTS (SELECT FROM subscription WHERE id = cursor.subscription AND NOT idle)
RETURNING subscription, seq, tries, first_try, next_try"""


class DeliveryStore:
    """The rows of deliveries, for one copy of the service; it holds leases as `holder`. Every
    method raises Unavailable while the database is away."""

    def __init__(self, database: Database, holder: UUID) -> None:
        self._database = database
        self._holder = holder

    async def claim(self, seconds: float) -> dict[UUID, Cursor]:
        """Takes the leases of webhooks for `seconds`, ours and those that others left. Returns
        their cursors by subscription."""
        await self._database.execute(
            """INSERT INTO cursor (subscription, seq)
            SELECT id, start FROM subscription
            WHERE kind = 'webhook' AND NOT idle
                AND NOT EXISTS (SELECT FROM cursor WHERE cursor.subscription = id)
            ON CONFLICT DO NOTHING"""
        )
        return _cursors(await self._database.fetch(_CLAIM, self._holder, seconds))

    async def release(self) -> None:
        """Gives up all leases, so that other copies go on at once."""
        await self._database.execute(
            "UPDATE cursor SET held_until = '-infinity' WHERE holder = $1", self._holder
        )

    async def write(self, changes: Changes) -> None:
        """Writes all changes in one transaction. A cursor that another copy has taken over
        meanwhile stays where that copy left it."""
        async with self._database.transaction() as connection:
            await _move_cursors(connection, self._holder, changes.cursors)
            await _insert_attempts(connection, changes.attempts)
            await _insert_dead_letters(connection, changes.dead_letters)

    async def cursors(self, ids: Sequence[UUID]) -> dict[UUID, Cursor]:
        """The cursors of these subscriptions; one that was never claimed is left out."""
        return _cursors(
            await self._database.fetch(
                "SELECT subscription, seq, tries, first_try, next_try FROM cursor "
                "WHERE subscription = ANY ($1)",
                ids,
            )
        )

    async def slowest(self) -> int | None:
        """The sequence of the webhook that is behind the most; None if no webhook is active."""
        seq: int | None = await self._database.fetchval(
            """SELECT min(seq) FROM cursor JOIN subscription ON id = cursor.subscription
            WHERE NOT idle"""
        )
        return seq

    async def count_dead_letters(self) -> int:
        """The number of dead letters of all subscriptions."""
        return int(await self._database.fetchval("SELECT count(*) FROM dead_letter"))

    async def deliveries(self, id: UUID, limit: int) -> list[Delivery]:
        """The last `limit` attempts of a subscription, the newest first."""
        rows = await self._database.fetch(
            """SELECT seq AS sequence, event, type, at, attempt, milliseconds, status, problem
            FROM delivery WHERE subscription = $1 ORDER BY id DESC LIMIT $2""",
            id,
            limit,
        )
        return [Delivery(**row) for row in rows]

    async def dead_letters(self, id: UUID, limit: int) -> list[DeadLetter]:
        """The first `limit` dead letters of a subscription, in the order of their events."""
        rows = await self._database.fetch(
            """SELECT seq AS sequence, event, type, at, attempts, problem
            FROM dead_letter WHERE subscription = $1 ORDER BY seq LIMIT $2""",
            id,
            limit,
        )
        return [DeadLetter(**row) for row in rows]

    async def dead_letter(self, id: UUID, seq: int) -> DeadLetter | None:
        """The dead letter of the event `seq`, if the subscription has it."""
        row = await self._database.fetchrow(
            """SELECT seq AS sequence, event, type, at, attempts, problem
            FROM dead_letter WHERE subscription = $1 AND seq = $2""",
            id,
            seq,
        )
        return DeadLetter(**row) if row else None

    async def discard(self, id: UUID, seq: int) -> bool:
        """Deletes a dead letter; returns whether it existed."""
        query = "DELETE FROM dead_letter WHERE subscription = $1 AND seq = $2 RETURNING true"
        return bool(await self._database.fetchval(query, id, seq))

    async def prune(self) -> None:
        """Deletes all but the last attempts of each subscription, and rows of deleted subscriptions
        that came late."""
        for table in ("delivery", "dead_letter"):
            await self._database.execute(
                f"""DELETE FROM {table} WHERE NOT EXISTS (
                    SELECT FROM cursor WHERE cursor.subscription = {table}.subscription)"""  # noqa: S608
            )
        await self._database.execute(
            """DELETE FROM delivery USING (
                SELECT id, row_number() OVER (PARTITION BY subscription ORDER BY id DESC) AS newer
                FROM delivery) AS ranked
            WHERE ranked.id = delivery.id AND newer > $1""",
            MAX_ATTEMPTS_KEPT,
        )

    async def forget(self, id: UUID) -> None:
        """Deletes all rows of a subscription."""
        async with self._database.transaction() as connection:
            for table in ("cursor", "delivery", "dead_letter"):
                await connection.execute(
                    f"DELETE FROM {table} WHERE subscription = $1",  # noqa: S608 - a constant
                    id,
                )


def _cursors(rows: Sequence[Any]) -> dict[UUID, Cursor]:
    return {
        id: Cursor(seq=seq, tries=tries, first_try=first, next_try=next)
        for id, seq, tries, first, next in rows
    }


async def _move_cursors(
    connection: Connection, holder: UUID, cursors: Mapping[UUID, Cursor]
) -> None:
    await connection.executemany(
        """UPDATE cursor SET seq = $3, tries = $4, first_try = $5, next_try = $6
        WHERE subscription = $1 AND holder = $2 AND seq <= $3""",
        [(id, holder, *msgspec.structs.astuple(cursor)) for id, cursor in cursors.items()],
    )


async def _insert_attempts(connection: Connection, attempts: Sequence[Attempt]) -> None:
    await connection.executemany(
        """INSERT INTO delivery
            (subscription, seq, event, type, at, attempt, milliseconds, status, problem)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
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
        """INSERT INTO dead_letter (subscription, seq, event, type, at, attempts, problem)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING""",
        [(*_columns(one), one.outcome.problem) for one in last_attempts],
    )


def _columns(one: Attempt) -> tuple[UUID, int, str, str, datetime, int]:
    return one.subscription, one.seq, one.event, one.type, one.at, one.number
