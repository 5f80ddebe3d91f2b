"""The rows of subscriptions: what the domain folds of their events, in a schema of their own."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import msgspec

from libs.domain.subscription import Subscription, evolve
from libs.eventlog.envelope import Recorded
from libs.postgres.pool import Connection, Database

SCHEMA = "subscriptions"
SUBJECTS = ("event.0.subscription.*",)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Subscription).decode

_WRITE = """
INSERT INTO subscription
    (id, created_seq, updated_seq, state, workspace, kind, start, idle, deleted)
VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (id) DO UPDATE SET
    updated_seq = excluded.updated_seq, state = excluded.state,
    idle = excluded.idle, deleted = excluded.deleted
WHERE subscription.updated_seq < excluded.updated_seq"""


class SubscriptionsProjection:
    """See libs/eventlog/project.py for the protocol. `changed` is set after every batch, for the
    one who waits for that."""

    name = "subscriptions"

    def __init__(self) -> None:
        self.changed = asyncio.Event()

    async def load(self, connection: Connection) -> None:
        """Nothing is kept in memory."""

    def received(self, batch: Sequence[Recorded]) -> None:
        """Nothing is kept in memory."""

    async def apply(self, connection: Connection, fresh: Sequence[Recorded]) -> None:
        """Folds each event into the row of its subscription."""
        for fact in fresh:
            query = "SELECT state FROM subscription WHERE id = $1"
            row = await connection.fetchval(query, UUID(fact.stream.id))
            state = evolve(_decode(row) if row else None, fact)
            await connection.execute(
                _WRITE,
                state.id,
                fact.seq,
                _encode(state),
                state.workspace,
                state.kind,
                state.after,
                state.paused or state.deleted,
                state.deleted,
            )

    def applied(self, batch: Sequence[Recorded]) -> None:
        """Sets `changed`, since the rows are committed."""
        self.changed.set()


async def find(rows: Database, id: UUID) -> Subscription | None:
    """The subscription; None if it does not exist or is deleted."""
    query = "SELECT state FROM subscription WHERE id = $1 AND NOT deleted"
    state = await rows.fetchval(query, id)
    return _decode(state) if state else None


async def find_all(rows: Database, workspaces: Sequence[int] | None) -> list[Subscription]:
    """The subscriptions of these workspaces, or of all (None), oldest first; no deleted ones."""
    records = await rows.fetch(
        """SELECT state FROM subscription WHERE NOT deleted
        AND ($1::bigint[] IS NULL OR workspace = ANY ($1)) ORDER BY created_seq""",
        workspaces,
    )
    return [_decode(row["state"]) for row in records]


async def find_deleted(rows: Database) -> list[UUID]:
    """The ids of deleted subscriptions, in no order."""
    return [row["id"] for row in await rows.fetch("SELECT id FROM subscription WHERE deleted")]
