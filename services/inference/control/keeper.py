"""Keeps the replicas of one deployment as it says: the only task that starts and ends them.

Each pass compares what is with what is to be, and does what is missing. Whatever may change that
wakes it: an event, a process that has started or ended, a request without a replica.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol
from uuid import UUID

from libs.domain import deployment as rules
from libs.domain.deployment import Deployment
from libs.domain.errors import Rejected, Unavailable
from libs.domain.events import ReplicaStopped
from libs.domain.values import ReplicaEnd
from libs.waiting.event import set_within
from services.inference.control.deployments import Deployments
from services.inference.control.nursery import Nursery
from services.inference.control.replica import Ended, Replica, Unservable
from services.inference.control.scaling import Scaler
from services.inference.gateway.table import Load, Route

logger = logging.getLogger(__name__)

MAX_FAILED_STARTS = 3  # in a row, of processes that ended while they loaded
_BACKOFF_SECONDS, _MAX_BACKOFF_SECONDS = 0.2, 30.0
_STEADY_SECONDS = 60.0  # after which an end is no part of a series
_LOOK_SECONDS, _DRAIN_SECONDS = 30.0, 0.02


class Gateways(Protocol):
    """All gateways, of this process and of others."""

    def route(self, route: Route) -> None: ...

    def drop(self, id: UUID) -> None: ...

    def busy(self, id: UUID, replica: UUID) -> bool:
        """Whether one of them still waits for this replica's answer."""
        ...

    def load(self, id: UUID) -> Load:
        """What they do for it together."""
        ...


class Keeper:
    """Of the deployment `id`; `at_once` is how many requests a replica runs."""

    def __init__(
        self,
        id: UUID,
        deployments: Deployments,
        nursery: Nursery,
        gateways: Gateways,
        at_once: Callable[[Deployment], int],
    ) -> None:
        self.replicas: dict[UUID, Replica] = {}
        self.scaler: Scaler | None = None
        self._id = id
        self._deployments = deployments
        self._nursery = nursery
        self._gateways = gateways
        self._at_once = at_once
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._generation = 0
        self._ends = 0  # in a row
        self._failed_starts = 0
        self._not_before = 0.0
        self._failure = ""

    def wake(self) -> None:
        """Something may have changed."""
        self._changed.set()

    def wanted(self) -> None:
        """A request is there, and no replica."""
        if self.scaler is not None:
            self.scaler.wake(time.monotonic())
        self.wake()

    async def run(self) -> None:
        """For ever. Outlasts a log that is away."""
        while True:
            self._changed.clear()
            try:
                pause = await self._pass()
            except Unavailable as problem:
                logger.warning("deployment %s waits: %s", self._id, problem)
                pause = 1.0
            await set_within(self._changed, pause)

    def stop(self) -> None:
        """The service stops: ends all replicas; the next start says so in the log."""
        for task in list(self._tasks):
            task.cancel()
        for replica in list(self.replicas.values()):
            replica.end("service_stopped")

    async def _pass(self) -> float:
        """Returns after how many seconds to look again."""
        await self._say_lost()
        if not self._state.deployed:
            return await self._end_all()
        if self._state.generation != self._generation:
            self._begin(self._state)
        await self._bury()
        await self._announce()
        pause = _LOOK_SECONDS
        if self._state.status != "error":
            pause = self._start_missing(self._state)
            self._end_surplus(self._state)
        return _DRAIN_SECONDS if self._end_drained() else pause

    @property
    def _state(self) -> Deployment:
        state = self._deployments.get(self._id)
        assert state is not None  # noqa: S101 - keepers are made for what is known
        return state

    def _begin(self, state: Deployment) -> None:
        """A generation that we see for the first time. It has as many replicas as the one before;
        one that ran and had none is asleep, any other is to show that it can be served."""
        self._generation = state.generation
        asleep = state.status == "running" and not state.replicas
        before = 0 if asleep else max(1, len(self._running()))
        self.scaler = Scaler(state.scaling, time.monotonic(), before)
        self._ends = self._failed_starts = 0
        self._not_before = 0.0
        self._failure = ""
        self.publish()

    async def _say_lost(self) -> None:
        """Replicas of an earlier life of this service ended with it."""
        for known in self._state.replicas:
            if known.id not in self.replicas:
                words = "the inference service has stopped, and its replicas with it"
                await self._say_stopped(known.id, "service_stopped", words)

    async def _bury(self) -> None:
        """Says of those that have ended how they did."""
        for one in list(self.replicas.values()):
            if one.status == "starting" or one.child is None or one.child.status is None:
                continue
            if one.status == "running":
                self._count_end(one)
            one.status = "ended"
            self.publish()
            if one.announced:
                await self._say_stopped(one.id, one.child.reason, one.child.words)
            del self.replicas[one.id]

    async def _announce(self) -> None:
        """Says who serves, or why nobody can. Requests come before the log says that it runs, so
        that who reads it is answered."""
        for one in [each for each in self._running() if not each.announced]:
            started = partial(
                rules.replica_started,
                replica=one.id,
                generation=one.generation,
                seconds=round(one.seconds, 4),
            )
            one.announced = await self._deployments.append(self._id, started)
            if not one.announced:  # not needed any more
                self._drain(one, "replaced")
        if self._failure:
            await self._deployments.append(
                self._id, lambda state: rules.failed(state, self._generation, self._failure)
            )
            self._failure = ""

    def _count_end(self, one: Replica) -> None:
        """Another one is started at once, later ones of a series after longer and longer."""
        now = time.monotonic()
        self._ends = 1 if now - one.since > _STEADY_SECONDS else self._ends + 1
        if self._ends > 1:
            pause = _BACKOFF_SECONDS * 2.0 ** (self._ends - 2)
            self._not_before = now + min(pause, _MAX_BACKOFF_SECONDS)

    def _start_missing(self, state: Deployment) -> float:
        """Returns after how many seconds to look again."""
        there = [one for one in self._current(state) if one.status in ("starting", "running")]
        missing = self.target - len(there)
        if missing > 0 and (pause := self._not_before - time.monotonic()) > 0:
            return pause
        for _ in range(missing):
            replica = Replica(state, self._at_once(state))
            self.replicas[replica.id] = replica
            task = asyncio.create_task(self._start(replica))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return _LOOK_SECONDS

    async def _start(self, replica: Replica) -> None:
        try:
            await replica.start(self._nursery)
        except (Unservable, Rejected) as problem:
            self._not_started(replica, problem)
            self._fail(replica, str(problem))
        except Ended as problem:
            self._not_started(replica, problem)
            self._failed_starts += 1
            if self._failed_starts >= MAX_FAILED_STARTS:
                self._fail(replica, f"{self._failed_starts} replicas did not start: {problem}")
        except (Unavailable, asyncio.CancelledError) as problem:
            self._not_started(replica, problem)
            if isinstance(problem, asyncio.CancelledError):
                raise
        else:
            assert replica.child is not None  # noqa: S101 - for mypy: it has started
            replica.child.then(self.wake)
            self._failed_starts = 0
            self.publish()
        finally:
            self.wake()

    def _not_started(self, replica: Replica, problem: BaseException) -> None:
        del self.replicas[replica.id]
        self._count_end(replica)
        logger.warning("deployment %s: a replica did not start: %r", self._id, problem)

    def _fail(self, replica: Replica, reason: str) -> None:
        if replica.generation == self._generation:
            self._failure = reason

    async def _say_stopped(self, id: UUID, reason: ReplicaEnd, words: str) -> None:
        event = ReplicaStopped(replica=id, reason=reason, detail=words)
        await self._deployments.append(self._id, lambda state: rules.replica_stopped(state, event))

    def _end_surplus(self, state: Deployment) -> None:
        """Those of earlier generations as soon as there are others in their place; of ours the
        youngest."""
        ours = [one for one in self._running() if one.generation == state.generation]
        olds = [one for one in self._running() if one.generation != state.generation]
        for one in olds[: max(0, len(ours) + len(olds) - self.target)]:
            self._drain(one, "replaced")
        for one in ours[self.target :]:
            self._drain(one, "scaled_down" if self.target else "idle")

    def _drain(self, one: Replica, why: ReplicaEnd) -> None:
        one.status, one.why = "draining", why
        self.publish()

    def _end_drained(self) -> bool:
        """Whether there are more to wait for."""
        draining = [one for one in self.replicas.values() if one.status == "draining"]
        for one in draining:
            if not self._gateways.busy(self._id, one.id):
                one.end(one.why)
        return bool(draining)

    async def _end_all(self) -> float:
        for task in list(self._tasks):
            task.cancel()
        for one in self._running():
            one.status = "draining"
        for one in list(self.replicas.values()):
            one.end("undeployed")
        await self._bury()
        self._generation, self.scaler = 0, None
        return _DRAIN_SECONDS if self.replicas else _LOOK_SECONDS

    @property
    def target(self) -> int:
        """How many replicas are to be."""
        return self.scaler.target if self.scaler else 0

    def _running(self) -> list[Replica]:
        return [one for one in self.replicas.values() if one.status == "running"]

    def _current(self, state: Deployment) -> list[Replica]:
        return [one for one in self.replicas.values() if one.generation == state.generation]

    def publish(self) -> None:
        """Tells the gateways where requests go now."""
        state = self._state
        if not state.deployed:
            return
        members = [one.member for one in self._running() if one.member]
        self._gateways.route(Route(self._id, state.name, state.workspace, state.pipeline, members))
