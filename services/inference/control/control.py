"""All deployments of this machine: who keeps them, what they do, and what is to be shown of it."""

import asyncio
import os
import time
from collections.abc import Sequence
from uuid import UUID

import msgspec

from libs.domain.deployment import Deployment
from libs.eventlog.log import EventLog
from libs.telemetry.registry import Reading
from services.inference.control.deployments import Deployments
from services.inference.control.keeper import Gateways, Keeper
from services.inference.control.nursery import Nursery
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
    wanted: int
    waiting: int
    running: int
    requests: Shown
    replicas: list[ShownReplica]


class Control:
    """`deployments` is the projection that is to be run."""

    def __init__(self, log: EventLog, nursery: Nursery, gateways: Gateways) -> None:
        self.deployments = Deployments(log, self._changed)
        self._nursery = nursery
        self._gateways = gateways
        self._keepers: dict[UUID, Keeper] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._cpu: dict[UUID, float] = {}

    def wanted(self, id: UUID) -> None:
        """A gateway has a request and no replica."""
        if (keeper := self._keepers.get(id)) is not None:
            keeper.wanted()

    async def run(self) -> None:
        """For ever: keeps all. The log has been followed to its end before."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self._nursery.watch())
                tasks.create_task(self._sample())
                for state in self.deployments.all():
                    self._keep(state.id)
        finally:
            for keeper in self._keepers.values():
                keeper.stop()

    def show(self, id: UUID) -> ShownDeployment | None:
        """None for what is not deployed."""
        state, keeper = self.deployments.get(id), self._keepers.get(id)
        if state is None or keeper is None or not state.deployed:
            return None
        load = self._gateways.load(id)
        replicas = [
            ShownReplica(
                id=one.id,
                generation=one.generation,
                status=one.status,
                pid=one.child.pid if one.child else 0,
                memory_bytes=one.child.resident() if one.child else 0,
                seconds=one.seconds,
            )
            for one in keeper.replicas.values()
        ]
        return ShownDeployment(id, keeper.target, load.waiting, load.running, load.shown, replicas)

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
        for keeper in self._keepers.values():
            for one in keeper.replicas.values():
                counts[one.status] = counts.get(one.status, 0) + 1
        return counts

    def _deployed(self) -> list[Deployment]:
        return [one for one in self.deployments.all() if one.deployed]

    def _changed(self, id: UUID) -> None:
        """Undeployed is so at once, whatever its keeper does."""
        state = self.deployments.get(id)
        if state is not None and not state.deployed:
            self._gateways.drop(id)
        if (keeper := self._keepers.get(id)) is not None:
            keeper.wake()
        elif self._tasks is not None:
            self._keep(id)

    def _keep(self, id: UUID) -> None:
        state = self.deployments.get(id)
        if self._tasks is None or state is None or (not state.deployed and not state.replicas):
            return
        keeper = Keeper(id, self.deployments, self._nursery, self._gateways, at_once)
        self._keepers[id] = keeper
        self._tasks.create_task(keeper.run())

    async def _sample(self) -> None:
        while True:
            await asyncio.sleep(_SAMPLE_SECONDS)
            for id, keeper in self._keepers.items():
                self._sample_one(id, keeper)

    def _sample_one(self, id: UUID, keeper: Keeper) -> None:
        state = self.deployments.get(id)
        if state is None or keeper.scaler is None:
            return
        load, now = self._gateways.load(id), time.monotonic()
        running = [one for one in keeper.replicas.values() if one.status == "running"]
        depth = (load.waiting + load.running) / max(1, len(running))
        if state.scaling.metric == "cpu" and running:
            used = sum(one.child.cpu_seconds() for one in running if one.child)
            rate = max(0.0, used - self._cpu.get(id, used)) / _SAMPLE_SECONDS
            self._cpu[id] = used
            depth = 100 * rate / (state.limits.cpus * len(running))
        before = keeper.target
        keeper.scaler.sample(depth, load.last, now)
        if keeper.target != before:
            keeper.wake()


def at_once(state: Deployment) -> int:
    """How many requests a replica runs at once: as many as it has cpus, for more would only wait
    for each other; and as many as are to be run together."""
    machine = len(os.sched_getaffinity(0))
    together = [one.batching.batch_size_target for one in state.models if one.batching]
    batch = min(MAX_BATCH_CONNECTIONS, max(together, default=0))
    return max(1, min(machine, round(state.limits.cpus)), batch)
