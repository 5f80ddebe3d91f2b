"""Keeps one deployment as the log says: the only task that starts and ends its replicas.

Each pass compares what is with what is to be, and does what is missing. Whatever may change that
wakes it: an event, a process that has started or ended, a request without a replica. Another task
reports to the log, so that replicas are replaced as well while that is away.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol
from uuid import UUID, uuid4

from libs.domain import deployment as rules
from libs.domain.deployment import Deployment, Revision
from libs.domain.errors import Unavailable
from libs.domain.events import DeploymentEvent, ReplicaStopped
from libs.domain.values import ReplicaEnd
from libs.waiting.event import set_within
from services.inference.control.deployments import Decide, Deployments
from services.inference.control.replica import Replica
from services.inference.control.replica_set import ReplicaSet
from services.inference.control.spawner import Spawner
from services.inference.gateway.table import Load, Route

logger = logging.getLogger(__name__)

_RESYNC_SECONDS, _DRAIN_SECONDS, _AGAIN_SECONDS = 30.0, 0.02, 1.0


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


class Reconciler:
    """Of the deployment `id`; `at_once` is how many requests a replica of a revision runs."""

    def __init__(
        self,
        id: UUID,
        deployments: Deployments,
        spawner: Spawner,
        gateways: Gateways,
        at_once: Callable[[Revision], int],
    ) -> None:
        self._id = id
        self._deployments = deployments
        self._spawner = spawner
        self._gateways = gateways
        self._at_once = at_once
        self._sets: dict[int, ReplicaSet] = {}  # by generation
        self._changed = asyncio.Event()
        self._unreported = asyncio.Event()
        self._route: Route | None = None

    @property
    def replicas(self) -> list[Replica]:
        """Of all revisions."""
        return [one for each in self._sets.values() for one in each.replicas]

    @property
    def target(self) -> int:
        """How many are to serve."""
        serving = self._serving
        return serving.scaler.target if serving else 0

    def wake(self) -> None:
        """Something may have changed. What is undeployed was dropped by the gateways."""
        if not self._state.deployed:
            self._route = None
        self._changed.set()

    def activate(self) -> None:
        """A request is there, and no replica."""
        if (serving := self._serving) is not None:
            serving.scaler.wake(time.monotonic())
        self.wake()

    def sample(self, seconds: float) -> None:
        """Scales by what the gateways do; `seconds` after the last time."""
        serving = self._serving
        if serving is not None and serving.sample(self._gateways.load(self._id), seconds):
            self.wake()

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._report())
            while True:
                self._changed.clear()
                pause = self._pass()
                self._unreported.set()
                await set_within(self._changed, pause)

    def stop(self) -> None:
        """The service stops: ends all replicas; the next start says so in the log."""
        self._end_all("service_stopped")

    def _pass(self) -> float:
        """Returns after how many seconds to look again."""
        self._adopt_revisions()
        for each in self._sets.values():
            each.mark_ended()
        if not self._state.deployed:
            return self._end_all("undeployed")
        pause = self._scale(self._state)
        self._publish()
        return _DRAIN_SECONDS if self._end_drained() else pause

    async def _report(self) -> None:
        """For ever: says in the log what has become so. Outlasts a log that is away."""
        while True:
            await self._unreported.wait()
            self._unreported.clear()
            try:
                await self._report_lost()
                await self._report_ended()
                await self._report_started()
                await self._report_failures()
            except Unavailable as problem:
                logger.warning("deployment %s is reported later: %s", self._id, problem)
                await asyncio.sleep(_AGAIN_SECONDS)
                self._unreported.set()

    @property
    def _state(self) -> Deployment:
        state = self._deployments.get(self._id)
        assert state is not None  # noqa: S101 - reconcilers are made for what is known
        return state

    @property
    def _serving(self) -> ReplicaSet | None:
        return self._sets.get(self._state.serving.generation)

    def _adopt_revisions(self) -> None:
        """A set for each that is desired. A new one has as many replicas as there are; it has none
        where, at our start, one that ran has none: it is asleep. Any other is to show that it can
        be served."""
        state = self._state
        asleep = not self._sets and state.status == "running" and not state.replicas
        before = 0 if asleep else max(1, len(self._running()))
        for revision in state.desired:
            if revision.generation not in self._sets:
                self._sets[revision.generation] = ReplicaSet(
                    state.name,
                    revision,
                    self._spawner,
                    self._at_once(revision),
                    before,
                    self.wake,
                )

    async def _report_lost(self) -> None:
        """Replicas of an earlier life of this service ended with it."""
        ours = {one.id for one in self.replicas}
        for known in self._state.replicas:
            if known.id not in ours:
                words = "the inference service has stopped, and its replicas with it"
                await self._report_stopped(known.id, "service_stopped", words)

    async def _report_ended(self) -> None:
        """How they did. A set without replicas may go then."""
        for each in list(self._sets.values()):
            for one in [one for one in each.replicas if one.status == "ended"]:
                if one.announced and one.child is not None:
                    await self._report_stopped(one.id, one.child.reason, one.child.words)
                each.replicas.remove(one)
                self.wake()

    async def _report_started(self) -> None:
        """Requests come before the log says that it runs, so that who reads it is answered."""
        for one in [each for each in self._running() if not each.announced]:
            one.announced = await self._deployments.append(self._id, _started(one))
            if not one.announced and one.status == "running":  # not needed any more
                one.drain("replaced")
                self.wake()

    async def _report_failures(self) -> None:
        """Why nobody can serve the revision, or one more of a revision that has run."""
        for generation, each in list(self._sets.items()):
            if (failure := each.failure) and not each.reported:
                await self._deployments.append(self._id, _failed(generation, failure))
                each.reported = each.failure == failure
                self.wake()

    async def _report_stopped(self, id: UUID, reason: ReplicaEnd, words: str) -> None:
        event = ReplicaStopped(replica=id, reason=reason, detail=words)
        await self._deployments.append(self._id, lambda state: rules.replica_stopped(state, event))

    def _scale(self, state: Deployment) -> float:
        """Returns after how many seconds to look again."""
        desired = {revision.generation for revision in state.desired}
        pause = _RESYNC_SECONDS
        for generation, each in list(self._sets.items()):
            if generation in desired:
                if state.has_run or not each.failure or each.reported:
                    pause = each.start_missing(pause)
                each.drain_surplus()
            else:
                each.stop_starting()
        self._drain_replaced(desired)
        self._sets = {
            generation: each
            for generation, each in self._sets.items()
            if generation in desired or each.replicas
        }
        return pause

    def _drain_replaced(self, desired: set[int]) -> None:
        """Those of earlier revisions as soon as there are others in their place."""
        olds = [one for one in self._running() if one.revision.generation not in desired]
        serving = self._serving
        surplus = len(olds)
        if serving is not None:
            surplus += len(serving.running) - serving.scaler.target
        for one in olds[: max(0, surplus)]:
            one.drain("replaced")

    def _end_drained(self) -> bool:
        """Whether there are more to wait for."""
        draining = [one for one in self.replicas if one.status == "draining"]
        for one in draining:
            if not self._gateways.busy(self._id, one.id):
                one.end(one.why)
        return bool(draining)

    def _end_all(self, why: ReplicaEnd) -> float:
        """Returns after how many seconds to look again."""
        for each in self._sets.values():
            each.stop_starting()
        for one in [one for one in self.replicas if one.status != "ended"]:
            one.drain(why)
            one.end(why)
        self._sets = {key: each for key, each in self._sets.items() if each.replicas}
        return _RESYNC_SECONDS

    def _running(self) -> list[Replica]:
        return [one for one in self.replicas if one.status == "running"]

    def _publish(self) -> None:
        """Tells the gateways where requests go now, if that has changed."""
        state = self._state
        if not state.deployed:
            return
        members = [one.member for one in self._running() if one.member]
        failure = state.reason if state.status == "error" and not state.previous else ""
        route = Route(self._id, state.name, state.workspace, state.pipeline, members, failure)
        if route != self._route:
            self._route = route
            self._gateways.route(route)


def _started(one: Replica) -> Decide:
    def decide(state: Deployment) -> list[DeploymentEvent]:
        generation, seconds = one.revision.generation, round(one.seconds, 4)
        return rules.replica_started(state, one.id, generation, seconds)

    return decide


def _failed(generation: int, reason: str) -> Decide:
    def decide(state: Deployment) -> list[DeploymentEvent]:
        return rules.failed(state, generation, reason) or rules.replica_failed(
            state, uuid4(), generation, reason
        )

    return decide
