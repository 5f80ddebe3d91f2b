"""All deployments of this machine: who keeps them, what they do, and what is to be shown of it."""

import asyncio
import os
from collections.abc import Sequence
from uuid import UUID

import msgspec

from libs.domain.deployment import Deployment, Revision
from libs.eventlog.log import EventLog
from libs.telemetry.registry import Reading
from services.inference.control.deployments import Deployments
from services.inference.control.reconciler import Gateways, Reconciler
from services.inference.control.spawner import Spawner
from services.inference.gateway.figures import Shown

MAX_BATCH_CONNECTIONS = 32
_SAMPLE_SECONDS = 0.5


class ShownReplica(msgspec.Struct, frozen=True):
    """`status` is starting, running or draining."""

    id: UUID
    generation: int
    status: str
    pid: int
    memory_bytes: int
    seconds: float


class ShownDeployment(msgspec.Struct, frozen=True):
    """What a deployment does at the moment."""

    deployment: UUID
    desired: int
    waiting: int
    running: int
    requests: Shown
    replicas: list[ShownReplica]


class Control:
    """`deployments` is the projection that is to be run."""

    def __init__(self, log: EventLog, spawner: Spawner, gateways: Gateways) -> None:
        self.deployments = Deployments(log, self._changed)
        self._spawner = spawner
        self._gateways = gateways
        self._reconcilers: dict[UUID, Reconciler] = {}
        self._tasks: asyncio.TaskGroup | None = None

    def activate(self, id: UUID) -> None:
        """A gateway has a request and no replica."""
        if (reconciler := self._reconcilers.get(id)) is not None:
            reconciler.activate()

    async def run(self) -> None:
        """For ever: keeps all. The log has been followed to its end before."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self._spawner.watch())
                tasks.create_task(self._sample())
                for state in self.deployments.all():
                    self._reconcile(state.id)
        finally:
            for reconciler in self._reconcilers.values():
                reconciler.stop()

    def show(self, id: UUID) -> ShownDeployment | None:
        """None for what is not deployed."""
        state, reconciler = self.deployments.get(id), self._reconcilers.get(id)
        if state is None or reconciler is None or not state.deployed:
            return None
        load = self._gateways.load(id)
        replicas = [
            ShownReplica(
                id=one.id,
                generation=one.revision.generation,
                status=one.status,
                pid=one.child.pid if one.child else 0,
                memory_bytes=one.child.resident() if one.child else 0,
                seconds=one.seconds,
            )
            for one in reconciler.replicas
            if one.status != "ended"
        ]
        return ShownDeployment(
            id, reconciler.target, load.waiting, load.running, load.shown, replicas
        )

    async def about(self) -> dict[str, object]:
        """For /readyz: workers by status."""
        return {"replicas": self._count(), "deployments": len(self._deployed())}

    async def readings(self) -> Sequence[Reading]:
        """For Prometheus."""
        name, help = "rondo_inference_replicas", "Replicas by status."
        replicas = [
            Reading(name, help, float(count), {"status": status})
            for status, count in self._count().items()
        ]
        deployed = self._deployed()
        total = Reading("rondo_inference_deployments", "Pipelines deployed.", float(len(deployed)))
        loads = [self._gateways.load(one.id) for one in deployed]
        name, help = "rondo_inference_depth", "Inference requests under way."
        waiting = Reading(name, help, float(sum(o.waiting for o in loads)), {"state": "waiting"})
        running = Reading(name, help, float(sum(o.running for o in loads)), {"state": "running"})
        return [*replicas, total, waiting, running]

    def _count(self) -> dict[str, int]:
        counts = {"starting": 0, "running": 0, "draining": 0}
        for reconciler in self._reconcilers.values():
            for one in reconciler.replicas:
                if one.status in counts:
                    counts[one.status] += 1
        return counts

    def _deployed(self) -> list[Deployment]:
        return [one for one in self.deployments.all() if one.deployed]

    def _changed(self, id: UUID) -> None:
        """Undeployed is so at once, whatever its reconciler does."""
        state, reconciler = self.deployments.get(id), self._reconcilers.get(id)
        if state is not None and not state.deployed:
            self._gateways.drop(id)
        if reconciler is not None:
            reconciler.wake()
        else:
            self._reconcile(id)

    def _reconcile(self, id: UUID) -> None:
        state = self.deployments.get(id)
        if self._tasks is None or state is None or (not state.deployed and not state.replicas):
            return
        one = Reconciler(id, self.deployments, self._spawner, self._gateways, at_once)
        self._reconcilers[id] = one
        self._tasks.create_task(one.run())

    async def _sample(self) -> None:
        while True:
            await asyncio.sleep(_SAMPLE_SECONDS)
            for one in self._reconcilers.values():
                one.sample(_SAMPLE_SECONDS)


def at_once(revision: Revision) -> int:
    """How many requests a replica runs at once: as many as it has cpus, for more would only wait
    for each other; and as many as are to be run together."""
    machine = len(os.sched_getaffinity(0))
    together = [one.batching.batch_size_target for one in revision.models if one.batching]
    batch = min(MAX_BATCH_CONNECTIONS, max(together, default=0))
    return max(1, min(machine, round(revision.limits.cpus)), batch)
