"""One webhook's deliveries: its events one after the other, each until it is taken or given up.

The order is kept: an event that the receiver does not take holds up those after it, until the
retry policy gives up (retry_policy.py). It then becomes a dead letter, and the next one has its
turn.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime

from libs.domain.subscription import Subscription
from libs.eventfeed import cloudevent
from libs.eventfeed.follow import FixedSelection, Source, follow
from libs.eventlog.envelope import Recorded
from libs.waiting.retry import retry
from services.webhooks.delivery_store import Attempt, Cursor
from services.webhooks.delivery_writer import DeliveryWriter
from services.webhooks.endpoint import Endpoint
from services.webhooks.retry_policy import RetryPolicy
from services.webhooks.sender import Sender


class NotAllowed(Exception):
    """The owner of the subscription may not see the workspace any more."""


class DeliveryWorker:
    """`source` is where the events come from. `allowed` is asked before each attempt whether the
    subscription's owner may still see what it tells."""

    def __init__(
        self,
        source: Source,
        sender: Sender,
        writer: DeliveryWriter,
        retries: RetryPolicy,
        allowed: Callable[[Subscription], Awaitable[bool]],
        subscription: Subscription,
        endpoint: Endpoint,
        cursor: Cursor,
    ) -> None:
        self._source = source
        self._sender = sender
        self._writer = writer
        self._retries = retries
        self._allowed = allowed
        self._subscription = subscription
        self._endpoint = endpoint
        self._cursor = cursor

    async def run(self) -> None:
        """Until the service ends; raises NotAllowed."""
        await retry(self._deliver_all, timeout=None)

    async def _deliver_all(self) -> None:
        selection = FixedSelection(self._subscription.filter)
        async with aclosing(follow(self._source, selection, self._cursor.seq)) as batches:
            async for batch in batches:
                for event in batch.events:
                    await self._deliver(event)
                if batch.through > self._cursor.seq:
                    self._move(Cursor(seq=batch.through))

    async def _deliver(self, event: Recorded) -> None:
        body = cloudevent.to_json(event)
        while not await self._settle(event, body):
            pass
        self._move(Cursor(seq=event.seq))

    async def _settle(self, event: Recorded, body: bytes) -> bool:
        """Tries once, when it is time for that; whether the event is taken or given up."""
        await _sleep_until(self._cursor.next_try)
        if not await self._allowed(self._subscription):
            raise NotAllowed
        now = datetime.now(UTC)
        outcome = await self._sender.send(self._endpoint, event.id, body)
        attempt = Attempt(
            subscription=self._subscription.id,
            seq=event.seq,
            event=event.id,
            type=type(event.event).__name__,
            at=now,
            number=self._cursor.tries + 1,
            outcome=outcome,
        )
        self._writer.add_attempt(attempt)
        if outcome.delivered:
            return True
        first_try = self._cursor.first_try
        if first_try is not None and self._retries.gives_up(first_try, now):
            self._writer.add_dead_letter(attempt)
            return True
        self._put_off(attempt.number, first_try or now)
        return False

    def _put_off(self, tries: int, first_try: datetime) -> None:
        spread = random.random()  # noqa: S311 - no secret
        next_try = self._retries.next_try(tries, first_try, datetime.now(UTC), spread)
        seq = self._cursor.seq
        self._move(Cursor(seq=seq, tries=tries, first_try=first_try, next_try=next_try))

    def _move(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._writer.move(self._subscription.id, cursor)


async def _sleep_until(instant: datetime | None) -> None:
    if instant is not None:
        await asyncio.sleep((instant - datetime.now(UTC)).total_seconds())
