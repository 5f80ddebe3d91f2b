"""Reactions: a handler for every event on some subjects, at least once, by a durable consumer.

The handler appends its outcome to the log before it returns; only then is the event acknowledged.
Several copies of a service share the consumer, and each event goes to one of them. Order is not
kept. A handler may return work that goes on after the acknowledgement and keeps its slot among the
`concurrency` (a run does).

While the infrastructure is away, an event is delivered again without end. When a handler has failed
`MAX_FAILURES` times for another reason, its event becomes a dead letter (dead_letters.py).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence

import msgspec

from libs.domain.errors import Unavailable
from libs.domain.events import Event
from libs.eventlog import dead_letters, streams
from libs.eventlog.envelope import Recorded, from_message
from libs.eventlog.nats_client import ApiError, Message, Nats
from libs.eventlog.pull import (
    RETRYABLE,
    Delivery,
    acknowledge,
    extend,
    pull,
    redeliver,
)
from libs.waiting.retry import back_off

logger = logging.getLogger(__name__)

MAX_FAILURES = 5
ACK_WAIT_SECONDS = 10.0  # that an event stays with a copy that died or lost its connection

Handler = Callable[[Recorded], Awaitable[Awaitable[None] | None]]


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """A handler for events. `name` is that of the durable consumer, `subjects` are its filter.

    Only events of these `kinds` reach the handler; others are acknowledged unseen. `concurrency`
    bounds how many handlers run at once in this copy.

    `handle` must put up with an event that comes again. Unavailable means: deliver it again;
    any other exception is a failure.
    """

    name: str
    subjects: Sequence[str]
    kinds: Collection[type[Event]]
    handle: Handler
    concurrency: int = 16


async def react(nats: Nats, reaction: Reaction) -> None:
    """Runs until it is cancelled, and then cancels its handlers too."""
    await _Runner(nats, reaction).run()


class _Runner:
    def __init__(self, nats: Nats, reaction: Reaction) -> None:
        self._nats = nats
        self._reaction = reaction
        self._free = reaction.concurrency
        self._freed = asyncio.Event()
        self._failures: dict[int, int] = {}
        self._kinds = frozenset(kind.__name__ for kind in reaction.kinds)

    async def run(self) -> None:
        """For ever: handles events as there are free slots. Outlasts a NATS that is away."""
        tries = 0
        async with asyncio.TaskGroup() as handlers:
            handlers.create_task(self._retries(handlers))
            while True:
                try:
                    await self._create()
                    async for batch in pull(
                        self._nats, streams.EVENTS, self._reaction.name, self._capacity
                    ):
                        tries = 0
                        for delivery in batch:
                            if _event_type(delivery) not in self._kinds:
                                await self._acknowledge(delivery)
                                continue
                            await self._capacity()  # a retry may have taken a slot meanwhile
                            self._free -= 1
                            handlers.create_task(self._run_handler(delivery))
                except RETRYABLE as problem:
                    logger.debug("reaction %s sets up again: %s", self._reaction.name, problem)
                await back_off(tries)
                tries += 1

    async def _create(self) -> None:
        config = {
            "durable_name": self._reaction.name,
            "ack_policy": "explicit",
            "ack_wait": int(ACK_WAIT_SECONDS * 1e9),
            "deliver_policy": "all",
            "filter_subjects": list(self._reaction.subjects),
            "max_ack_pending": 10_000,
        }
        body = {"stream_name": streams.EVENTS, "config": config}
        try:
            await self._nats.api(f"CONSUMER.CREATE.{streams.EVENTS}.{self._reaction.name}", body)
        except ApiError as error:
            raise Unavailable(f"can't set up the consumer: {error}") from error

    async def _capacity(self) -> int:
        """How many more handlers may start now; waits until it is at least one."""
        while self._free <= 0:
            self._freed.clear()
            await self._freed.wait()
        return self._free

    async def _run_handler(self, delivery: Delivery) -> None:
        try:
            remainder = await self._settle(delivery)
            if remainder is not None:
                await remainder
        except Unavailable as problem:
            logger.warning("%s: event %d: %s", self._reaction.name, delivery.seq, problem)
        except Exception:
            logger.exception("%s: event %d: after the handler", self._reaction.name, delivery.seq)
        finally:
            self._free += 1
            self._freed.set()

    async def _settle(self, delivery: Delivery) -> Awaitable[None] | None:
        renewing = asyncio.create_task(self._extend(delivery))
        remainder: Awaitable[None] | None = None
        try:
            remainder = await self._reaction.handle(_decode(delivery))
        except Unavailable as problem:
            logger.warning("%s: event %d waits: %s", self._reaction.name, delivery.seq, problem)
            await redeliver(self._nats, delivery, 1.0)
        except Exception as problem:
            await self._failed(delivery, problem)
        else:
            self._failures.pop(delivery.seq, None)
            await self._acknowledge(delivery)
        finally:
            renewing.cancel()
        return remainder

    async def _acknowledge(self, delivery: Delivery) -> None:
        """A lost acknowledgement brings the event again, which handlers put up with."""
        try:
            await acknowledge(self._nats, delivery)
        except Unavailable as problem:
            logger.info(
                "%s: event %d may come again: %s", self._reaction.name, delivery.seq, problem
            )

    async def _extend(self, delivery: Delivery) -> None:
        """Asks for more time while a handler works, before the server delivers the event again."""
        while True:
            await asyncio.sleep(ACK_WAIT_SECONDS / 3)
            await extend(self._nats, delivery)

    async def _failed(self, delivery: Delivery, problem: Exception) -> None:
        failures = self._failures[delivery.seq] = self._failures.get(delivery.seq, 0) + 1
        logger.exception(
            "%s: event %d failed, time %d", self._reaction.name, delivery.seq, failures
        )
        if failures < MAX_FAILURES:
            await redeliver(self._nats, delivery, 0.2 * 4**failures)
            return
        await self._put_dead_letter(
            delivery.seq, delivery.message.subject, _event_type(delivery), problem
        )
        logger.error("%s: event %d is parked", self._reaction.name, delivery.seq)
        del self._failures[delivery.seq]
        await self._acknowledge(delivery)

    async def _put_dead_letter(self, seq: int, subject: str, type: str, problem: Exception) -> None:
        name, error = self._reaction.name, repr(problem)
        letter = dead_letters.DeadLetter(
            reaction=name, seq=seq, subject=subject, type=type, error=error
        )
        await dead_letters.put(self._nats, letter)

    async def _retries(self, handlers: asyncio.TaskGroup) -> None:
        """Handles events of dead letters once more, on request."""
        name = self._reaction.name
        async with self._nats.requests(dead_letters.retry_subject(name), queue=name) as requests:
            while True:
                handlers.create_task(self._retry(await requests.get()))

    async def _retry(self, request: Message) -> None:
        """Answers with the error, empty for success."""
        await self._capacity()
        self._free -= 1
        try:
            fact = await dead_letters.read_event(self._nats, int(request.data))
            try:
                remainder = await self._reaction.handle(fact)
            except Exception as problem:
                logger.exception("%s: event %d failed again", self._reaction.name, fact.seq)
                type = fact.event.__class__.__name__
                await self._put_dead_letter(fact.seq, fact.stream.subject, type, problem)
                await self._nats.publish(request.reply, repr(problem).encode())
                return
            await dead_letters.remove(self._nats, self._reaction.name, fact.seq)
            await self._nats.publish(request.reply)
            if remainder is not None:
                await remainder
        except (Unavailable, ApiError, ValueError) as problem:
            logger.warning("%s: a retry came to nothing: %s", self._reaction.name, problem)
        finally:
            self._free += 1
            self._freed.set()


def _event_type(delivery: Delivery) -> str:
    return delivery.message.headers.get("ce-type", "")


def _decode(delivery: Delivery) -> Recorded:
    return from_message(delivery.seq, delivery.message)
