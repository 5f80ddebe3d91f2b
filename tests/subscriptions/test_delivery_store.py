"""What is kept of deliveries, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.postgres.pool import Database
from services.webhooks import delivery_store
from services.webhooks.delivery_store import Attempt, Changes, DeliveryStore
from services.webhooks.projection import SCHEMA
from services.webhooks.sender import Outcome

_NEW_WEBHOOK = """
INSERT INTO subscription
    (id, created_seq, updated_seq, state, workspace, kind, start, idle, deleted)
VALUES ($1, 1, 1, '', 1, 'webhook', 1, false, false)"""

_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'"""


@pytest.fixture
async def rows(dsn: str) -> AsyncIterator[Database]:
    async with pool.connect(dsn, SCHEMA, size=3) as database:
        await migrate(database, "services.webhooks")
        yield database


async def active_webhook(rows: Database, store: DeliveryStore) -> UUID:
    await rows.execute(_NEW_WEBHOOK, id := uuid4())
    assert id in await store.claim(10)
    return id


def attempts(id: UUID, *seqs: int) -> list[Attempt]:
    outcome = Outcome(milliseconds=1, status=500, problem="it answered 500")
    return [
        Attempt(
            subscription=id,
            seq=seq,
            event=str(seq),
            type="TaskKilled",
            at=datetime.now(UTC),
            number=1,
            outcome=outcome,
        )
        for seq in seqs
    ]


async def kept(store: DeliveryStore, id: UUID) -> list[int]:
    return [one.sequence for one in await store.deliveries(id, 10)]


async def test_the_last_attempts_of_each_webhook_are_kept(
    rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_store, "MAX_ATTEMPTS_KEPT", 2)
    store = DeliveryStore(rows, uuid4())
    busy, quiet = await active_webhook(rows, store), await active_webhook(rows, store)
    await store.write(Changes(attempts=[*attempts(busy, 1, 2, 3, 4), *attempts(quiet, 1)]))
    await store.prune()
    assert await kept(store, busy) == [4, 3]
    assert await kept(store, quiet) == [1]
    await store.write(Changes(attempts=attempts(busy, 5)))
    await store.prune()
    assert await kept(store, busy) == [5, 4]


async def test_what_comes_after_a_subscription_is_forgotten_is_not_kept(rows: Database) -> None:
    store = DeliveryStore(rows, uuid4())
    gone, other = await active_webhook(rows, store), await active_webhook(rows, store)
    await store.forget(gone)
    late = [*attempts(gone, 1), *attempts(other, 1)]
    await store.write(Changes(attempts=late, dead_letters=late))
    assert not await kept(store, gone)
    assert not await store.dead_letters(gone, 10)
    assert await kept(store, other) == [1]
    assert await store.count_dead_letters() == 1


async def test_what_is_written_while_a_subscription_is_forgotten_is_not_kept(
    rows: Database,
) -> None:
    store = DeliveryStore(rows, uuid4())
    id = await active_webhook(rows, store)
    late = attempts(id, 1)
    async with rows.transaction() as forgetting:
        for table in ("cursor", "delivery", "dead_letter"):
            await forgetting.execute(f"DELETE FROM {table} WHERE subscription = $1", id)  # noqa: S608
        write = asyncio.create_task(store.write(Changes(attempts=late, dead_letters=late)))
        while not write.done() and not await rows.fetchval(_WAITING):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await write
    assert not await kept(store, id)
    assert not await store.dead_letters(id, 10)
