"""What the scheduler must know to say what is due: a pure fold of the log, one entry a live task.

A task that can do nothing more is forgotten, so the plan grows with what is live, not with what
has been. `changed` and `woken` say what a batch of events touched; their readers empty them.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from libs.domain import run as runs
from libs.domain import schedule as schedules
from libs.domain import task as tasks
from libs.domain.events import (
    OrchestrationFailed,
    OrchestrationReady,
    RunFinished,
    RunRequested,
    RunStarted,
    TaskCompleted,
    TaskCreated,
    TaskFailed,
    TaskKilled,
    TaskKillRequested,
    TaskPauseRequested,
    TaskResumed,
    TaskStarted,
)
from libs.domain.ids import StreamId
from libs.domain.run_end import FAILED, may_run_again
from libs.domain.schedule import Span
from libs.domain.task import Task
from libs.domain.values import Schedule
from libs.eventlog.envelope import Recorded

MAX_BACKOFF_SECONDS = 60.0  # of a continuous task
MAX_RETRY_BACKOFF_SECONDS = 3600.0
HEAD_START = timedelta(seconds=0.2)  # for the run that an order brings with it (docs/adr/0014)


class Retry(msgspec.Struct, frozen=True, gc=False):
    """A run that is to be requested once more, not before `at`."""

    at: datetime
    scheduled_at: datetime
    attempt: int


class PackagingResult(msgspec.Struct, frozen=True, gc=False):
    """An orchestration that has left packaging; a reason means that it failed there."""

    reason: str = ""


class OpenRun(msgspec.Struct, gc=False):
    """A run without an end; `executor` is empty until one has claimed it."""

    task: UUID
    workspace: int
    attempt: int
    scheduled_at: datetime
    version: int
    correlation: str
    cause: str
    executor: str = ""

    @property
    def status(self) -> runs.Status:
        """As the domain's transition table names it."""
        return "running" if self.executor else "requested"


# The rows' JSON has the names of the first version.
_STORED_NAMES = {"last_tick": "last", "last_run_ended_at": "busy_until", "active_ended_at": "ended"}


class PlannedTask(msgspec.Struct, gc=False, rename=_STORED_NAMES):
    """A live task. `last_tick` is the newest tick that is accounted for.

    `active` is the time of a schedule that is not accounted for. The next begins where the last
    ended (`active_ended_at`), also by a clock that was set back. Without a schedule, the next run
    is not requested before `next_at`. `traceparent` comes from the request that created the task.
    """

    task: Task
    version: int
    correlation: str
    cause: str
    last_tick: datetime | None = None
    last_run_ended_at: datetime | None = None
    next_at: datetime | None = None
    failures: int = 0
    retries: list[Retry] = []
    traceparent: str = ""
    active: list[Span] = []
    active_ended_at: datetime | None = None

    def account_for(self, at: datetime) -> None:
        """A run is requested for the tick `at`, which accounts for all ticks before it too."""
        if self.last_tick is None or at > self.last_tick:
            self.last_tick = at
            self.active = schedules.rest(self.active, at)

    def update_active(self, fact: Recorded, schedule: Schedule) -> None:
        """Begins or ends active time, if the event does so."""
        match fact.event:
            case TaskStarted() | TaskResumed():
                starts = (fact.at, self.last_tick, self.active_ended_at)
                self.active = [*self.active, Span(max(at for at in starts if at is not None))]
            case TaskPauseRequested() | TaskKillRequested() if self.active:
                if self.active[-1].through is None:
                    self.active_ended_at = max(fact.at, self.active_ended_at or fact.at)
                ended = [Span(one.after, one.through or fact.at) for one in self.active]
                self.active = [span for span in ended if schedules.has_tick(schedule, span)]
            case TaskFailed() | TaskCompleted() | TaskKilled():
                self.active = []


class Kill(msgspec.Struct, frozen=True, gc=False):
    """A kill of a task that was forgotten already: nothing of it is open."""

    workspace: int
    correlation: str
    cause: str


Item = PlannedTask | OpenRun | PackagingResult | Kill
KINDS: dict[str, type[Any]] = {
    "task": PlannedTask,
    "run": OpenRun,
    "orchestration": PackagingResult,
    "kill": Kill,
}


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


def stream_of(run: OpenRun, id: UUID) -> StreamId:
    """The stream of the run with this id."""
    return StreamId(run.workspace, "run", str(id))
