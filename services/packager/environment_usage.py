"""Which environments somebody needs: a fold of the log, and a look at the runs of single tasks.

An environment is needed while a task of an orchestration that it was made for may run. That a task
which runs once is over stands in its run, which is only looked at when it matters. It is needed too
while a model is deployed that runs in it, or is to be probed in it.
"""

from collections import defaultdict
from uuid import UUID

import msgspec

from libs.domain import deployment as deployments
from libs.domain import task as tasks
from libs.domain.deployment import Deployment
from libs.domain.events import (
    ModelVersionDeleted,
    ModelVersionFailed,
    ModelVersionPackaged,
    ModelVersionReady,
    OrchestrationReady,
    RunFinished,
    TaskCompleted,
    TaskCreated,
    TaskFailed,
    TaskKilled,
)
from libs.domain.ids import StreamId, run_id, run_stream
from libs.domain.run_end import FAILED
from libs.domain.task import Task
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog

SUBJECTS = tuple(
    f"event.*.{each}.*" for each in ("orchestration", "task", "model_version", "deployment")
)
_PROBED = (ModelVersionReady, ModelVersionFailed, ModelVersionDeleted)


class EnvironmentUsage:
    """A fold of orchestrations and tasks. `log` is read for the runs of tasks that run once."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._environments: dict[UUID, str] = {}
        self._tasks: dict[UUID, Task] = {}
        self._tasks_of: defaultdict[UUID, set[UUID]] = defaultdict(set)
        self._deployments: dict[str, Deployment] = {}
        self._of_models: dict[StreamId, set[str]] = {}  # of deployments, and of what is probed

    def fold(self, fact: Recorded) -> set[str]:
        """Takes an event in; returns the environments that are needed by it from now on."""
        if fact.stream.aggregate in ("model_version", "deployment"):
            return self._fold_of_models(fact)
        id = UUID(fact.stream.id) if fact.stream.aggregate in ("orchestration", "task") else None
        match fact.event:
            case OrchestrationReady(environment=environment) if id:
                self._environments[id] = environment
            case TaskCreated() if id:
                task = self._tasks[id] = msgspec.structs.replace(
                    tasks.evolve(None, fact), arguments={}
                )
                self._tasks_of[task.orchestration].add(id)
                return {self._environments.get(task.orchestration, "")} - {""}
            case TaskKilled() | TaskFailed() | TaskCompleted() if id in self._tasks:
                self._forget(self._tasks[id])
        return set()

    def _fold_of_models(self, fact: Recorded) -> set[str]:
        if fact.stream.aggregate == "deployment":
            before = self._deployments.get(fact.stream.id)
            state = self._deployments[fact.stream.id] = deployments.evolve(before, fact)
            models = [model for revision in state.desired for model in revision.models]
            needed = {model.environment for model in models} - {""}
        elif isinstance(fact.event, ModelVersionPackaged):
            needed = {fact.event.environment}
        elif isinstance(fact.event, _PROBED):
            needed = set()
        else:
            return set()
        if needed:
            self._of_models[fact.stream] = needed
        else:
            self._of_models.pop(fact.stream, None)
        return needed

    async def needed(self) -> set[str]:
        """The ids of all environments that are needed now. Raises Unavailable."""
        needed = set[str]().union(*self._of_models.values())
        for orchestration, environment in list(self._environments.items()):
            if environment not in needed and await self._may_run(orchestration):
                needed.add(environment)
        return needed

    async def _may_run(self, orchestration: UUID) -> bool:
        for id in list(self._tasks_of[orchestration]):
            task = self._tasks[id]
            if task.kind != "once" or not await self._is_over(task):
                return True
            self._forget(task)
        return False

    async def _is_over(self, task: Task) -> bool:
        """Whether all runs that a task which runs once may have are over."""
        for attempt in range(1, task.retry.attempts + 1):
            run = run_id(task.id, task.created_at, attempt)
            last = await self._log.last(run_stream(task.workspace, run))
            if last is None or not isinstance(last.event, RunFinished):
                return False
            if last.event.status not in FAILED:
                return True
        return True

    def _forget(self, task: Task) -> None:
        self._tasks.pop(task.id, None)
        self._tasks_of[task.orchestration].discard(task.id)
