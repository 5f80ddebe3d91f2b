"""What is in a plan: live tasks, their open runs, and what they wait for. Stored as rows, too."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.domain import run as runs
from libs.domain import schedule as schedules
from libs.domain.events import (
    TaskCompleted,
    TaskFailed,
    TaskKilled,
    TaskKillRequested,
    TaskPauseRequested,
    TaskResumed,
    TaskStarted,
)
from libs.domain.ids import StreamId
from libs.domain.schedule import Span
from libs.domain.task import Task
from libs.domain.values import Schedule
from libs.eventlog.envelope import Recorded


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


def stream_of(run: OpenRun, id: UUID) -> StreamId:
    """The stream of the run with this id."""
    return StreamId(run.workspace, "run", str(id))
