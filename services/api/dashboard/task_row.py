"""A task as a row of a list, with the commands that are possible now."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from libs.domain import schedule, task
from libs.domain.errors import Rejected
from libs.domain.events import TaskEvent
from libs.domain.run_end import ENDED, may_run_again
from services.api.read_model.row_types import RunSeen
from services.api.read_model.tasks import TaskShown

_COMMANDS: dict[str, Callable[[task.Task], Sequence[TaskEvent]]] = {
    "pause": task.pause,
    "resume": task.resume,
    "stop": lambda state: task.kill(state, keep_logs=False),
}


class TaskLine(NamedTuple):
    """`status` is that of the task, or `done`; `may` are commands that would change something."""

    task: task.Task
    status: str
    last: RunSeen | None
    next: datetime | None
    may: frozenset[str]

    @staticmethod
    def of(shown: TaskShown, now: datetime) -> "TaskLine":
        state, last = shown.task, shown.last_run
        status = "done" if _is_done(shown) else shown.status
        return TaskLine(state, status, last, next_run(state, now), may(state))


def _is_done(shown: TaskShown) -> bool:
    """Whether it runs once and its last try has ended."""
    state, last = shown.task, shown.last_run
    if state.kind != "once" or shown.status != "started" or last is None:
        return False
    again = may_run_again(last.status, last.attempt, state.retry.attempts)
    return last.status in ENDED and not again


def next_run(state: task.Task, now: datetime) -> datetime | None:
    """The next tick of an active schedule, or None."""
    if state.schedule is None or not task.ticks_count(state):
        return None
    return schedule.next_after(state.schedule, now)


def may(state: task.Task) -> frozenset[str]:
    """The commands that the domain would not refuse."""
    return frozenset(name for name, decide in _COMMANDS.items() if _leads_on(decide, state))


def _leads_on(decide: Callable[[task.Task], Sequence[TaskEvent]], state: task.Task) -> bool:
    try:
        return bool(decide(state))
    except Rejected:
        return False
