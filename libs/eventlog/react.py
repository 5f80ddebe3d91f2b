"""Reactions: a handler for every event on some subjects, at least once, by a durable consumer.

The handler brings its outcome into the log before it returns; only then is the event acknowledged.
Several copies of a service share the consumer, and each event goes to one of them. Order is not
kept. A handler may return work that goes on after the acknowledgement and keeps its place among
the `concurrency` (a run does).

While the infrastructure is away the event is tried again without end. A handler that fails for
another reason `MAX_FAILURES` times has its event parked: kept in the stream PARKED, with the
error, for a person to look at.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence

import msgspec

from libs.domain.errors import Unavailable
from libs.domain.events import Event
from libs.eventlog import dead_letters, streams
from libs.eventlog.envelope import Recorded, read
from libs.eventlog.nats_client import ApiError, Message, Nats
from libs.eventlog.pull import (
    RETRYABLE,
    Delivery,
    acknowledge,
    ask_again,
    in_progress,
    pull,
)
from libs.waiting.retry import back_off

logger = logging.getLogger(__name__)

MAX_FAILURES = 5
ACK_WAIT = 10.0  # seconds that an event stays with a copy that died or lost its connection

Handler = Callable[[Recorded], Awaitable[Awaitable[None] | None]]


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """`concurrency` bounds how many handlers run at once in this copy.

    `kinds` are the events that it has work with; it passes over the others on its subjects.
    """

    name: str
    subjects: Sequence[str]
    kinds: Collection[type[Event]]
    handle: Handler
    concurrency: int = 16


async def react(nats: Nats, reaction: Reaction) -> None:
    """Runs until cancelled; handlers that are under way are then cancelled too."""
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
                        for given in batch:
                            if _kind(given) not in self._kinds:
                                await self._acknowledge(given)
                                continue
                            await self._capacity()  # a retry may have taken a place meanwhile
                            self._free -= 1
                            handlers.create_task(self._guarded(given))
                except RETRYABLE as problem:
                    logger.debug("reaction %s sets up again: %s", self._reaction.name, problem)
                await back_off(tries)
                tries += 1

    async def _create(self) -> None:
        config = {
            "durable_name": self._reaction.name,
            "ack_policy": "explicit",
            "ack_wait": int(ACK_WAIT * 1e9),
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

    async def _guarded(self, given: Delivery) -> None:
        try:
            rest = await self._settle(given)
            if rest is not None:
                await rest
        except Unavailable as problem:
            logger.warning("%s: event %d: %s", self._reaction.name, given.seq, problem)
        except Exception:
            logger.exception("%s: event %d: after the handler", self._reaction.name, given.seq)
        finally:
            self._free += 1
            self._freed.set()

    async def _settle(self, given: Delivery) -> Awaitable[None] | None:
        renewing = asyncio.create_task(self._keep(given))
        rest: Awaitable[None] | None = None
        try:
            rest = await self._reaction.handle(_decode(given))
        except Unavailable as problem:
            logger.warning("%s: event %d waits: %s", self._reaction.name, given.seq, problem)
            await ask_again(self._nats, given, 1.0)
        except Exception as problem:
            await self._failed(given, problem)
        else:
            self._failures.pop(given.seq, None)
            await self._acknowledge(given)
        finally:
            renewing.cancel()
        return rest

    async def _acknowledge(self, given: Delivery) -> None:
        """An acknowledgement that is lost brings the event again, which handlers put up with."""
        try:
            await acknowledge(self._nats, given)
        except Unavailable as problem:
            logger.info("%s: event %d may come again: %s", self._reaction.name, given.seq, problem)

    async def _keep(self, given: Delivery) -> None:
        """A handler may take long: say so before the server thinks that we died."""
        while True:
            await asyncio.sleep(ACK_WAIT / 3)
            await in_progress(self._nats, given)

    async def _failed(self, given: Delivery, problem: Exception) -> None:
        failures = self._failures[given.seq] = self._failures.get(given.seq, 0) + 1
        logger.exception("%s: event %d failed, time %d", self._reaction.name, given.seq, failures)
        if failures < MAX_FAILURES:
            await ask_again(self._nats, given, 0.2 * 4**failures)
            return
        await self._park(given.seq, given.message.subject, _kind(given), problem)
        logger.error("%s: event %d is parked", self._reaction.name, given.seq)
        del self._failures[given.seq]
        await self._acknowledge(given)

    async def _park(self, seq: int, subject: str, type: str, problem: Exception) -> None:
        name, error = self._reaction.name, repr(problem)
        note = dead_letters.DeadLetter(
            reaction=name, seq=seq, subject=subject, type=type, error=error
        )
        await dead_letters.park(self._nats, note)

    async def _retries(self, handlers: asyncio.TaskGroup) -> None:
        """Parked events that somebody wants to have handled once more."""
        name = self._reaction.name
        async with self._nats.requests(dead_letters.retries_of(name), queue=name) as asked:
            while True:
                handlers.create_task(self._retry(await asked.get()))

    async def _retry(self, asked: Message) -> None:
        """Answers with the error, empty for success."""
        await self._capacity()
        self._free -= 1
        try:
            fact = await dead_letters.event(self._nats, int(asked.data))
            try:
                rest = await self._reaction.handle(fact)
            except Exception as problem:
                logger.exception("%s: event %d failed again", self._reaction.name, fact.seq)
                type = fact.event.__class__.__name__
                await self._park(fact.seq, fact.stream.subject, type, problem)
                await self._nats.publish(asked.reply, repr(problem).encode())
                return
            await dead_letters.forget(self._nats, self._reaction.name, fact.seq)
            await self._nats.publish(asked.reply)
            if rest is not None:
                await rest
        except (Unavailable, ApiError, ValueError) as problem:
            logger.warning("%s: a retry came to nothing: %s", self._reaction.name, problem)
        finally:
            self._free += 1
            self._freed.set()


def _kind(given: Delivery) -> str:
    return given.message.headers.get("ce-type", "")


def _decode(given: Delivery) -> Recorded:
    return read(given.seq, given.message)
