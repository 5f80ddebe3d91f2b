"""The rows of subscriptions: what the domain folds of their events, in a schema of their own."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import msgspec

from libs.domain.subscription import Subscription, evolve
from libs.eventlog.envelope import Recorded
from libs.postgres.pool import Connection, Database
from libs.postgres.statements import load

SCHEMA = "subscriptions"
SUBJECTS = ("event.0.subscription.*",)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Subscription).decode

_SQL = load(__name__)


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
            row = await connection.fetchval(_SQL["read_subscription"], UUID(fact.stream.id))
            state = evolve(_decode(row) if row else None, fact)
            await connection.execute(
                _SQL["write_subscription"],
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
    state = await rows.fetchval(_SQL["find_subscription"], id)
    return _decode(state) if state else None


async def find_all(rows: Database, workspaces: Sequence[int] | None) -> list[Subscription]:
    """The subscriptions of these workspaces, or of all (None), oldest first; no deleted ones."""
    if workspaces is None:
        records = await rows.fetch(_SQL["all_subscriptions"])
    else:
        records = await rows.fetch(_SQL["subscriptions_of"], workspaces)
    return [_decode(row["state"]) for row in records]


async def find_deleted(rows: Database) -> list[UUID]:
    """The ids of deleted subscriptions, in no order."""
    return [row["id"] for row in await rows.fetch(_SQL["deleted_subscriptions"])]
