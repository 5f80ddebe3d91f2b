"""A request from its headers to its answer: who may, where it runs, and the record of it.

The record is in its file before the caller has the answer, so what was answered is never missing
from the log; a replica that dies leaves none, and the request goes to another.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Protocol
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected, Unavailable
from libs.telemetry.tracing import NoTracing, Tracing
from services.inference.gateway.errors import NoAnswer, not_deployed, not_served_yet, refusal
from services.inference.gateway.figures import Figures
from services.inference.gateway.metrics import GatewayMetrics
from services.inference.gateway.permits import Permit, Permits
from services.inference.gateway.pool import Pool
from services.inference.gateway.spans import RequestSpans
from services.inference.gateway.table import Load, Route
from services.inference.gateway.tickets import Result, Ticket
from services.inference.record import RecordHead

_SWEEP_SECONDS = 1.0
ROUTE_TIMEOUT_SECONDS = 20.0
_NO_SPAN = nullcontext()
NO_TRACING: Tracing = NoTracing()
_STATUS = {"no_space": 507}


class Writer(Protocol):
    """Where records go: services/inference/logs/write.py."""

    def check(self) -> None:
        """Raises Rejected if there is no room for a record."""
        ...

    def append(self, head: RecordHead, body: bytes | memoryview) -> None:
        """It is in the file when this returns. Raises Rejected, Unavailable."""
        ...


class Call(msgspec.Struct, frozen=True, gc=False):
    """A request as it came; header values are empty where there are none."""

    authorization: str
    deployment: str
    pipeline: str
    query: str
    content_type: str
    accept: str
    format: str
    traceparent: str = ""


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """A call that may go on."""

    permit: Permit
    pool: Pool


Then = Callable[[Result | NoAnswer], None]


class Gateway:
    """`activate`, to be set, is called with a deployment that has a request and no replica. A
    request is given up after `timeout` seconds."""

    def __init__(
        self,
        permits: Permits,
        writer: Writer,
        metrics: GatewayMetrics,
        max_waiting: int,
        timeout: float,
        tracing: Tracing = NO_TRACING,
    ) -> None:
        self.pools: dict[UUID, Pool] = {}
        self._dropped: set[UUID] = set()
        self._routed = asyncio.Event()
        self._permits = permits
        self._writer = writer
        self.activate: Callable[[UUID], None] = lambda _: None
        self._max_waiting = max_waiting
        self._timeout = timeout
        self._tracing = tracing
        self._metrics = metrics

    def route(self, route: Route) -> None:
        """Serve it so from now on."""
        self._dropped.discard(route.id)
        pool = self.pools.get(route.id)
        if pool is None:
            pool = self.pools[route.id] = Pool(route, self._max_waiting, self.activate)
        pool.update(route)
        self._routed.set()

    def drop(self, id: UUID) -> None:
        """It is served no more."""
        self._dropped.add(id)
        self._routed.set()
        if (pool := self.pools.pop(id, None)) is not None:
            pool.close()

    def load(self, id: UUID) -> Load:
        """What a deployment does here."""
        pool = self.pools.get(id)
        if pool is None:
            return Load(0, 0, 0.0, Figures().show())
        return Load(len(pool.waiting), len(pool.running), pool.figures.last, pool.figures.show())

    async def run(self) -> None:
        """For ever: gives up what takes too long."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            for pool in list(self.pools.values()):
                pool.expire(time.monotonic() - self._timeout)

    async def permit(self, call: Call) -> Admitted:
        """Raises NoAnswer. To be asked before a body is taken in. Waits for the route of what the
        api knows as deployed and we do not yet: we may have just started."""
        permit = self._permits.known(_key(call)) or await self._permits.ask(_key(call))
        with suppress(TimeoutError):
            async with asyncio.timeout(ROUTE_TIMEOUT_SECONDS):
                while not self._knows(permit.deployment):
                    self._routed.clear()
                    await self._routed.wait()
        return self._admitted(call, permit)

    def admit(self, call: Call) -> Admitted | None:
        """The same where nothing has to be waited for; None where something has."""
        permit = self._permits.known(_key(call))
        if permit is None or not self._knows(permit.deployment):
            return None
        return self._admitted(call, permit)

    def _knows(self, id: UUID) -> bool:
        return id in self.pools or id in self._dropped

    def _admitted(self, call: Call, permit: Permit) -> Admitted:
        pool = self.pools.get(permit.deployment)
        if pool is None:
            dropped = permit.deployment in self._dropped
            raise (not_deployed if dropped else not_served_yet)(call.pipeline)
        try:
            self._writer.check()
        except Rejected as problem:
            raise refusal(507, problem.message) from problem
        return Admitted(permit, pool)

    async def infer(self, call: Call, admitted: Admitted, body: bytes) -> Result | NoAnswer:
        """If it is cancelled, so is the work. NoAnswer is not raised: with a traceback it would
        keep the body until the next collection."""
        ended: asyncio.Future[Result | NoAnswer] = asyncio.get_running_loop().create_future()

        def end(outcome: Result | NoAnswer) -> None:
            if not ended.done():
                ended.set_result(outcome)

        ticket = self.begin(call, admitted, body, end)
        try:
            return await ended
        except asyncio.CancelledError:
            self.cancel(admitted, ticket)
            raise

    def begin(self, call: Call, admitted: Admitted, body: bytes, then: Then) -> Ticket:
        """`then` is called with the answer, when its record is in the log; or with why there is
        none, possibly before this returns."""
        chance = random.random()  # noqa: S311 - which model of a split, not who may what
        ticket = Ticket(call.content_type, call.accept, call.format, call.query, body, chance)

        def end(outcome: Result | NoAnswer) -> None:
            outcome = self._settled(admitted, ticket, outcome)
            self._count(
                admitted.pool, ticket, 200 if isinstance(outcome, Result) else outcome.status
            )
            then(outcome)

        ticket.then = end
        if self._tracing.on:
            ticket.spans = RequestSpans(self._tracing, call.pipeline, call.traceparent)
        admitted.pool.submit(ticket)
        return ticket

    def cancel(self, admitted: Admitted, ticket: Ticket) -> None:
        """The caller has hung up: nobody is told, and the work is cancelled."""
        if not ticket.over:
            admitted.pool.drop(ticket)
            self._count(admitted.pool, ticket, 499)

    def _settled(
        self, admitted: Admitted, ticket: Ticket, outcome: Result | NoAnswer
    ) -> Result | NoAnswer:
        if isinstance(outcome, NoAnswer):
            return outcome
        if outcome.reply.status != 200:
            return refusal(outcome.reply.status, outcome.reply.error)
        try:
            with ticket.spans.log() if ticket.spans is not None else _NO_SPAN:
                self._record(admitted.permit, outcome)
        except Unavailable as problem:
            return refusal(503, str(problem))
        except Rejected as problem:
            return refusal(_STATUS.get(problem.code, 400), problem.message)
        return outcome

    def _record(self, permit: Permit, result: Result) -> None:
        head = RecordHead(
            id=_id(),
            time=result.time,
            workspace=permit.workspace,
            pipeline=permit.pipeline,
            version=result.version,
            caller=permit.user,
            run=permit.run,
            partition=str(result.replica),
        )
        self._writer.append(head, result.record)

    def _count(self, pool: Pool, ticket: Ticket, code: int) -> None:
        if ticket.spans is not None:
            ticket.spans.ended(code)
        pool.figures.count(ticket.since, good=code == 200)
        wait = ticket.started - ticket.since if ticket.started else None
        self._metrics.count(code, time.monotonic() - ticket.since, wait)


def _key(call: Call) -> tuple[str, str, str]:
    return call.authorization, call.deployment, call.pipeline


def _id() -> UUID:
    """As uuid4, for a third of its price."""
    return UUID(int=int.from_bytes(os.urandom(16)) & _MASK | _VERSION)


_MASK = ~(0xF000 << 64 | 0xC000 << 48)
_VERSION = 4 << 76 | 0x8000 << 48
