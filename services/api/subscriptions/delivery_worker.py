"""One webhook's deliveries: its events one after the other, each until it is taken or given up on.

The order is kept: an event that the receiver does not take holds up those after it, for at most
`give_up` seconds. It then becomes a dead letter, and the next one has its turn.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import msgspec

from libs.domain.errors import Unavailable
from libs.domain.subscription import Subscription
from libs.eventlog.envelope import Recorded
from libs.waiting.retry import back_off
from services.api.events.cloudevent import CloudEvent
from services.api.events.follow import follow
from services.api.resources import Resources
from services.api.subscriptions.delivery_store import Letter, Place
from services.api.subscriptions.delivery_writer import Journal
from services.api.subscriptions.endpoint import Target
from services.api.subscriptions.event_selection import Wanted
from services.api.subscriptions.sender import Sender

_LONGEST_PAUSE = 4 * 3600.0

_encode = msgspec.json.Encoder().encode


class Patience(msgspec.Struct, frozen=True):
    """Seconds: the first pause, which doubles from try to try, and when it is enough."""

    first_pause: float
    give_up: float

    def pause(self, tries: int, spread: float) -> float:
        """After so many tries; `spread` from 0 to 1 keeps many from coming back at once."""
        longest = min(self.first_pause * 2.0 ** min(tries - 1, 30), _LONGEST_PAUSE)
        return longest * (0.5 + spread / 2)


class Ended(Exception):
    """Who created the subscription may not see the workspace any more."""


class Courier:
    """`entitled` says whether who created it may still see what it tells."""

    def __init__(
        self,
        resources: Resources,
        sender: Sender,
        journal: Journal,
        patience: Patience,
        subscription: Subscription,
        target: Target,
        place: Place,
        entitled: Callable[[Subscription], Awaitable[bool]],
    ) -> None:
        self._resources = resources
        self._sender = sender
        self._journal = journal
        self._patience = patience
        self._subscription = subscription
        self._target = target
        self._place = place
        self._entitled = entitled

    async def run(self) -> None:
        """Until the service ends; raises Ended."""
        tries = 0
        while True:
            try:
                return await self._deliver_all()
            except Unavailable:
                await back_off(tries)
                tries += 1

    async def _deliver_all(self) -> None:
        pieces = follow(self._resources.store, Wanted(self._subscription), self._place.seq)
        async with aclosing(pieces):
            async for piece in pieces:
                for event in piece.events:
                    await self._deliver(event)
                if piece.through > self._place.seq:
                    self._reach(Place(seq=piece.through))

    async def _deliver(self, event: Recorded) -> None:
        body = _encode(CloudEvent.of(event))
        while not await self._settled(event, body):
            pass
        self._reach(Place(seq=event.seq))

    async def _settled(self, event: Recorded, body: bytes) -> bool:
        """Tries once, when it is time for that; whether the event is taken or given up on."""
        await _until(self._place.next_try)
        if not await self._entitled(self._subscription):
            raise Ended
        now = datetime.now(UTC)
        outcome = await self._sender.send(self._target, event.id, body)
        tries = self._place.tries + 1
        letter = Letter(
            subscription=self._subscription.id,
            seq=event.seq,
            event=event.id,
            type=type(event.event).__name__,
            at=now,
        )
        self._journal.tried(letter, tries, outcome)
        if outcome.delivered:
            return True
        if self._is_enough(now):
            self._journal.gave_up(letter, tries, outcome)
            return True
        self._put_off(tries, now)
        return False

    def _is_enough(self, now: datetime) -> bool:
        first = self._place.first_try
        return first is not None and (now - first).total_seconds() >= self._patience.give_up

    def _put_off(self, tries: int, now: datetime) -> None:
        """At the latest to when it is enough, for a last try."""
        first = self._place.first_try or now
        pause = timedelta(seconds=self._patience.pause(tries, random.random()))  # noqa: S311
        last = first + timedelta(seconds=self._patience.give_up)
        next_try = min(datetime.now(UTC) + pause, last)
        seq = self._place.seq
        self._reach(Place(seq=seq, tries=tries, first_try=first, next_try=next_try))

    def _reach(self, place: Place) -> None:
        self._place = place
        self._journal.reached(self._subscription.id, place)


async def _until(instant: datetime | None) -> None:
    if instant is not None:
        await asyncio.sleep((instant - datetime.now(UTC)).total_seconds())
