"""The replicas of one revision of a deployment: started, started again, and how many there are.

As a ReplicaSet of Kubernetes: the reconciler has one for each revision that is to be served.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from libs.domain.deployment import Revision
from libs.domain.errors import Rejected, Unavailable
from services.inference.control.replica import Ended, Replica, Unservable
from services.inference.control.scaling import Scaler
from services.inference.control.spawner import Spawner
from services.inference.gateway.table import Load

logger = logging.getLogger(__name__)

MAX_FAILED_STARTS = 3  # in a row, of processes that ended while they loaded
_BACKOFF_SECONDS, _MAX_BACKOFF_SECONDS = 0.2, 30.0
_STEADY_SECONDS = 60.0  # after which an end is no part of a series


class ReplicaSet:
    """`failure` is why none can be started now, `reported` whether the log knows; others are tried
    while the set is desired. `changed` is called when one has started, ended or failed."""

    def __init__(
        self,
        name: str,
        revision: Revision,
        spawner: Spawner,
        at_once: int,
        before: int,
        changed: Callable[[], None],
    ) -> None:
        """`before` is how many replicas there are, of whatever revision; 0: nobody needs one."""
        self.revision = revision
        self.replicas: list[Replica] = []
        self.scaler = Scaler(revision.scaling, time.monotonic(), before)
        self.failure, self.reported = "", False
        self._name = name
        self._spawner = spawner
        self._at_once = at_once
        self._changed = changed
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends = 0  # in a row
        self._failed_starts = 0
        self._not_before = 0.0
        self._cpu_seconds: float | None = None

    @property
    def running(self) -> list[Replica]:
        return [one for one in self.replicas if one.status == "running"]

    def start_missing(self, pause: float) -> float:
        """Returns after how many seconds to look again: `pause`, or less."""
        there = [one for one in self.replicas if one.status in ("starting", "running")]
        missing = self.scaler.target - len(there)
        if missing > 0 and (left := self._not_before - time.monotonic()) > 0:
            return min(pause, left)
        for _ in range(missing):
            replica = Replica(self.revision, self._at_once)
            self.replicas.append(replica)
            task = asyncio.create_task(self._start(replica))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return pause

    def drain_surplus(self) -> None:
        """The youngest."""
        target = self.scaler.target
        for one in self.running[target:]:
            one.drain("scaled_down" if target else "idle")

    def stop_starting(self) -> None:
        """Those that do not serve yet are not needed any more."""
        self.replicas = [one for one in self.replicas if one.status != "starting"]
        for task in self._tasks:
            task.cancel()

    def mark_ended(self) -> None:
        """Those whose processes have ended. Another one is started at once, later ones of a series
        after longer and longer."""
        for one in self.replicas:
            if one.has_ended:
                if one.status == "running":
                    self._count_end(one)
                one.status = "ended"

    def sample(self, load: Load, seconds: float) -> bool:
        """What the deployment does, `seconds` after the last time; whether that changes how many
        replicas there are to be."""
        before, running, now = self.scaler.target, self.running, time.monotonic()
        there = [one for one in self.replicas if one.status in ("starting", "running")]
        if not all(one.announced for one in there):
            self.scaler.restart(now)  # else one that loads for longer than a window never serves
            return False
        depth = (load.waiting + load.running) / max(1, len(running))
        if self.revision.scaling.metric == "cpu" and running:
            depth = self._cpu_percent(running, seconds)
        self.scaler.sample(depth, load.last, now)
        return self.scaler.target != before

    def _cpu_percent(self, running: list[Replica], seconds: float) -> float:
        used = sum(one.child.cpu_seconds() for one in running if one.child)
        before = used if self._cpu_seconds is None else self._cpu_seconds
        self._cpu_seconds = used
        return 100 * max(0.0, used - before) / seconds / (self.revision.limits.cpus * len(running))

    async def _start(self, replica: Replica) -> None:
        try:
            await replica.start(self._spawner)
        except (Unservable, Rejected) as problem:
            self._not_started(replica, problem)
            self.failure = str(problem)
        except Ended as problem:
            self._not_started(replica, problem)
            self._failed_starts += 1
            if self._failed_starts >= MAX_FAILED_STARTS:
                self.failure = f"{self._failed_starts} replicas did not start: {problem}"
        except Exception as problem:
            self._not_started(replica, problem)
            if not isinstance(problem, Unavailable):
                raise
        else:
            assert replica.child is not None  # noqa: S101 - for mypy: it has started
            replica.child.then(self._changed)
            self._failed_starts = 0
            self.failure, self.reported = "", False
        finally:
            self._changed()

    def _not_started(self, replica: Replica, problem: Exception) -> None:
        self.replicas.remove(replica)
        self._count_end(replica)
        logger.warning("deployment %s: a replica did not start: %s", self._name, problem)

    def _count_end(self, one: Replica) -> None:
        now = time.monotonic()
        self._ends = 1 if now - one.since > _STEADY_SECONDS else self._ends + 1
        if self._ends > 1:
            pause = _BACKOFF_SECONDS * 2.0 ** (self._ends - 2)
            self._not_before = now + min(pause, _MAX_BACKOFF_SECONDS)
