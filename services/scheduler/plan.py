"""What the scheduler must know to say what is due: a pure fold of the log, one entry a live task.

A task that can do nothing more is forgotten, so the plan grows with what is live, not with what
has been. `changed` and `woken` say what a batch of events touched; their readers empty them.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from libs.domain import task as tasks
from libs.domain.events import (
    OrchestrationFailed,
    OrchestrationReady,
    RunFinished,
    RunRequested,
    RunStarted,
    TaskCreated,
    TaskKilled,
    TaskKillRequested,
)
from libs.domain.run_end import FAILED, may_run_again
from libs.eventlog.envelope import Recorded
from services.scheduler.plan_items import (
    Item,
    Kill,
    OpenRun,
    PackagingResult,
    PlannedTask,
    Retry,
)

MAX_BACKOFF_SECONDS = 60.0  # of a continuous task
MAX_RETRY_BACKOFF_SECONDS = 3600.0
HEAD_START = timedelta(seconds=0.2)  # for the run that an order brings with it (docs/adr/0014)


class Plan:
    """The live tasks, their open runs, and what they wait for, each by its id."""

    def __init__(self) -> None:
        self.tasks: dict[UUID, PlannedTask] = {}
        self.runs: dict[UUID, OpenRun] = {}
        self.orchestrations: dict[UUID, PackagingResult] = {}
        self.kills: dict[UUID, Kill] = {}
        self.changed: set[tuple[str, UUID]] = set()
        self.woken: set[UUID] = set()
        self._of_orchestration: defaultdict[UUID, set[UUID]] = defaultdict(set)
        # Of each task, in the order of their requests. In no row: a task's would grow with each.
        self._open: defaultdict[UUID, dict[UUID, None]] = defaultdict(dict)
        self._tables: dict[str, dict[UUID, Any]] = {
            "task": self.tasks,
            "run": self.runs,
            "orchestration": self.orchestrations,
            "kill": self.kills,
        }

    def table(self, kind: str) -> dict[UUID, Any]:
        """The items of a kind, a key of KINDS."""
        return self._tables[kind]

    def open_runs(self, task: UUID) -> Collection[UUID]:
        """The runs of a task that have no end."""
        return self._open.get(task, {})

    def restore(self, kind: str, id: UUID, item: Item) -> None:
        """Puts back a stored item, runs in the log's order, and wakes each task and kill."""
        self.table(kind)[id] = item
        if isinstance(item, PlannedTask):
            self._of_orchestration[item.task.orchestration].add(id)
        if isinstance(item, OpenRun):
            self._open[item.task][id] = None
        if kind in ("task", "kill"):
            self.woken.add(id)

    def fold(self, fact: Recorded) -> None:
        """Takes one event in. Events come in the log's order, each once."""
        match fact.stream.aggregate:
            case "orchestration":
                self._fold_orchestration(fact)
            case "task":
                self._fold_task(fact, fact.stream.uuid)
            case "run":
                self._fold_run(fact, fact.stream.uuid)

    def _fold_orchestration(self, fact: Recorded) -> None:
        id = fact.stream.uuid
        match fact.event:
            case OrchestrationReady():
                self._put("orchestration", id, PackagingResult())
            case OrchestrationFailed(reason=reason):
                self._put("orchestration", id, PackagingResult(reason))
        self.woken |= self._of_orchestration[id]

    def _fold_task(self, fact: Recorded, id: UUID) -> None:
        entry = self.tasks.get(id)
        self.woken.add(id)
        match fact.event:
            case TaskCreated():
                task = tasks.evolve(None, fact)
                entry = PlannedTask(
                    task, fact.seq, fact.correlation, fact.id, traceparent=fact.traceparent
                )
                if task.kind == "once" and task.orchestration in self.orchestrations:
                    entry.next_at = fact.at + HEAD_START
                self._of_orchestration[task.orchestration].add(id)
                self._put("task", id, entry)
                return
            case TaskKillRequested() if entry is None:
                kill = Kill(fact.stream.workspace, fact.correlation, fact.id)
                self._put("kill", id, kill)
                return
            case TaskKilled():
                self._drop("kill", id)
        if entry is not None:
            entry.task = tasks.evolve(entry.task, fact)
            if entry.task.schedule is not None:
                entry.update_active(fact, entry.task.schedule)
            entry.version, entry.cause = fact.seq, fact.id
            self._keep_or_forget(id, entry)

    def _fold_run(self, fact: Recorded, id: UUID) -> None:
        match fact.event:
            case RunRequested() as event:
                self._requested(fact, id, event)
            case RunStarted(executor=executor) if id in self.runs:
                run = self.runs[id]
                run.executor, run.version = executor, fact.seq
                self.changed.add(("run", id))
            case RunFinished() as event if id in self.runs:
                run = self.runs[id]
                self._drop("run", id)
                self._open[run.task].pop(id, None)
                if not self._open[run.task]:
                    del self._open[run.task]
                self._finished(fact, run, event)

    def _requested(self, fact: Recorded, id: UUID, event: RunRequested) -> None:
        run = OpenRun(
            event.task,
            fact.stream.workspace,
            event.attempt,
            event.scheduled_at,
            fact.seq,
            fact.correlation,
            fact.id,
        )
        self._put("run", id, run)
        self._open[event.task][id] = None
        entry = self.tasks.get(event.task)
        if entry is None:
            return
        entry.next_at = None
        order = (event.scheduled_at, event.attempt)
        entry.retries = [one for one in entry.retries if (one.scheduled_at, one.attempt) != order]
        if event.attempt == 1:
            entry.account_for(event.scheduled_at)
        self.changed.add(("task", event.task))
        self.woken.add(event.task)

    def _finished(self, fact: Recorded, run: OpenRun, event: RunFinished) -> None:
        entry = self.tasks.get(run.task)
        if entry is None:
            return
        entry.last_run_ended_at = fact.at
        has_failed = event.status in FAILED
        entry.failures = entry.failures + 1 if has_failed else 0
        if entry.task.kind == "continuous":
            wait = min(2.0 ** (entry.failures - 1), MAX_BACKOFF_SECONDS) if has_failed else 0.0
            entry.next_at = fact.at + timedelta(seconds=wait)
        elif may_run_again(event.status, run.attempt, entry.task.retry.attempts):
            wait = entry.task.retry.backoff * 2.0 ** (run.attempt - 1)
            at = fact.at + timedelta(seconds=min(wait, MAX_RETRY_BACKOFF_SECONDS))
            entry.retries = [*entry.retries, Retry(at, run.scheduled_at, run.attempt + 1)]
        self.woken.add(run.task)
        self._keep_or_forget(run.task, entry)

    def _keep_or_forget(self, id: UUID, entry: PlannedTask) -> None:
        """A task of which nothing more can come is forgotten; a kill of it may still come."""
        status = entry.task.status
        idle = not self.open_runs(id) and not entry.retries
        is_over = entry.task.kind == "once" and entry.last_tick is not None and status == "pending"
        if status == "killed" or (idle and (is_over or status in ("failed", "success"))):
            self._of_orchestration[entry.task.orchestration].discard(id)
            self._drop("task", id)
        else:
            self.changed.add(("task", id))

    def _put(self, kind: str, id: UUID, item: Item) -> None:
        self.table(kind)[id] = item
        self.changed.add((kind, id))

    def _drop(self, kind: str, id: UUID) -> None:
        if self.table(kind).pop(id, None) is not None:
            self.changed.add((kind, id))
