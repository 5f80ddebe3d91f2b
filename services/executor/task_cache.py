"""What runs are to do: tasks and orchestrations, as the log says. Followed, so seldom read.

A task is known from its TaskCreated on, and each later event of it changes what is known, so who
asks sees every kill that the follower has seen. Of a kill that comes later `killed` is told.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from libs.domain import orchestration as orchestrations
from libs.domain import task as tasks
from libs.domain.events import OrchestrationReady, TaskCreated, TaskKillRequested
from libs.domain.ids import orchestration_stream, task_stream
from libs.domain.orchestration import Orchestration
from libs.domain.task import Task
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog
from libs.eventlog.transact import load

_REMEMBERED = 5_000

Killed = Callable[[UUID], object]
Ready = Callable[[int, UUID], object]


class _Known(msgspec.Struct):
    """A task, or while it is being read, what has happened to it meanwhile."""

    task: Task | None = None
    seq: int = 0
    later: list[Recorded] = []

    def fold(self, fact: Recorded) -> None:
        if self.task is None:
            self.later.append(fact)
        elif fact.seq > self.seq:
            self.task, self.seq = tasks.evolve(self.task, fact), fact.seq


class TaskCache:
    def __init__(self, log: EventLog, killed: Killed, ready: Ready) -> None:
        """`ready` is told of orchestrations, with their workspace, that may be run from now on."""
        self._log = log
        self._killed = killed
        self._told_ready = ready
        self._tasks: dict[UUID, _Known] = {}
        self._orchestrations: dict[UUID, Orchestration] = {}

    async def follow(self, after: int) -> None:
        """For ever, from an event's place on."""
        subjects = ("event.*.task.*", "event.*.orchestration.*")
        async for batch in self._log.follow(after, subjects):
            for fact in batch:
                self._learn(fact)

    async def task(self, workspace: int, id: UUID) -> Task:
        """As far as it has been followed or read by now. Raises as `load`."""
        known = self._tasks.get(id)
        if known is None or known.task is None:
            known = known or self._remember(id, _Known())
            await self._read(workspace, id, known)
        if known.task is None:
            raise RuntimeError(f"task {id} was read, and is not known")
        return known.task

    def forget(self, task: Task) -> None:
        """It was a run-once task, and its run has begun."""
        if task.kind == "once":
            self._tasks.pop(task.id, None)

    async def orchestration(self, workspace: int, id: UUID) -> Orchestration:
        """A packaged one never changes, so one reading of it is enough. Raises as `load`."""
        if id not in self._orchestrations:
            stream = orchestration_stream(workspace, id)
            loaded, _ = await load(self._log, stream, orchestrations.evolve)
            _make_room(self._orchestrations)
            self._orchestrations[id] = loaded
        return self._orchestrations[id]

    def _learn(self, fact: Recorded) -> None:
        id = UUID(fact.stream.id)
        match fact.event:
            case TaskCreated():
                self._remember(id, _Known(tasks.evolve(None, fact), fact.seq))
            case OrchestrationReady():
                self._told_ready(fact.stream.workspace, id)
            case _ if id in self._tasks and fact.stream.aggregate == "task":
                self._tasks[id].fold(fact)
        if isinstance(fact.event, TaskKillRequested):
            self._killed(id)

    async def _read(self, workspace: int, id: UUID, known: _Known) -> None:
        task, seq = await load(self._log, task_stream(workspace, id), tasks.evolve)
        if known.task is None:
            known.task, known.seq = task, seq
            for fact in known.later:
                known.fold(fact)
            known.later.clear()

    def _remember(self, id: UUID, known: _Known) -> _Known:
        _make_room(self._tasks)
        self._tasks[id] = known
        return known


def _make_room(known: dict[UUID, Any]) -> None:
    while len(known) >= _REMEMBERED:
        del known[next(iter(known))]
