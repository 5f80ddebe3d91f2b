"""What may become of a task, decision by decision."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from libs.domain import task as tasks
from libs.domain.events import (
    Event,
    TaskCompleted,
    TaskCreated,
    TaskEvent,
    TaskFailed,
    TaskKilled,
    TaskKillRequested,
    TaskPaused,
    TaskPauseRequested,
    TaskResumed,
    TaskResumeRequested,
    TaskStarted,
)
from libs.domain.history import fold
from libs.domain.ids import task_stream
from libs.domain.task import Status, Task
from libs.domain.values import Schedule
from tests.domain.decider import ID, ORCHESTRATION, START, Decider, facts

ONCE = TaskCreated(kind="once", orchestration=ORCHESTRATION)
CONTINUOUS = TaskCreated(kind="continuous", orchestration=ORCHESTRATION)
SCHEDULED = TaskCreated(
    kind="scheduled", orchestration=ORCHESTRATION, schedule=Schedule(expression="* * * * *")
)
STARTED = (SCHEDULED, TaskStarted())
PAUSE, PAUSED, RESUME = TaskPauseRequested(), TaskPaused(), TaskResumeRequested()
KILL = TaskKillRequested()
FAILED = TaskFailed(reason="packaging failed: no such package")
COMPLETED = TaskCompleted(reason="schedule_ended")


def given(*events: Event) -> Decider[Task]:
    return Decider(tasks.evolve, task_stream(1, ID), events)


def kill(task: Task) -> list[TaskEvent]:
    return tasks.kill(task, keep_logs=False)


def settle(ready: bool = True, open_runs: bool = False) -> Callable[[Task], list[TaskEvent]]:
    return lambda task: tasks.settle(task, ready, open_runs)


@pytest.mark.parametrize(
    "history",
    [(SCHEDULED,), STARTED, (*STARTED, PAUSE, PAUSED, RESUME), (CONTINUOUS, TaskStarted())],
)
def test_what_runs_can_be_paused_once(history: tuple[Event, ...]) -> None:
    given(*history).decides_once(tasks.pause, PAUSE)


def test_a_run_once_task_has_nothing_to_pause() -> None:
    given(ONCE).refuses(tasks.pause, "invalid", "id", "kill")


@pytest.mark.parametrize("history", [(*STARTED, PAUSE), (*STARTED, PAUSE, PAUSED)])
def test_what_is_paused_can_be_resumed_once(history: tuple[Event, ...]) -> None:
    given(*history).decides_once(tasks.resume, RESUME)


def test_what_runs_needs_no_resuming() -> None:
    given(*STARTED).decides(tasks.resume)


ENDS = [
    (*STARTED, KILL),
    (*STARTED, KILL, TaskKilled()),
    (SCHEDULED, FAILED),
    (*STARTED, COMPLETED),
]


@pytest.mark.parametrize("history", ENDS)
@pytest.mark.parametrize("decide", [tasks.pause, tasks.resume])
def test_what_has_ended_neither_pauses_nor_resumes(
    decide: Callable[[Task], list[TaskEvent]], history: tuple[Event, ...]
) -> None:
    given(*history).refuses(decide, "conflict", "id", given(*history).state.status)


@pytest.mark.parametrize(
    "history",
    [
        (ONCE,),
        STARTED,
        (*STARTED, PAUSE),
        (*STARTED, PAUSE, PAUSED),
        (*STARTED, PAUSE, PAUSED, RESUME),
        (SCHEDULED, FAILED),
        (*STARTED, COMPLETED),
    ],
)
def test_everything_can_be_killed_and_only_once(history: tuple[Event, ...]) -> None:
    """I7: a kill is legal from every state and ends in killed, once nothing of it runs."""
    requested = given(*history).decides_once(kill, KILL)
    requested.decides(settle(open_runs=True))
    requested.decides_once(settle(), TaskKilled()).decides(kill)


def test_a_kill_that_keeps_the_logs_says_so_at_the_end() -> None:
    requested = given(ONCE, TaskKillRequested(keep_logs=True))
    requested.decides(settle(), TaskKilled(keep_logs=True))


def test_the_first_kill_says_what_becomes_of_the_logs() -> None:
    given(ONCE, KILL).decides(lambda task: tasks.kill(task, keep_logs=True))


@pytest.mark.parametrize(
    ("history", "settled"),
    [
        ((SCHEDULED,), TaskStarted()),
        ((CONTINUOUS,), TaskStarted()),
        ((*STARTED, PAUSE), PAUSED),
        ((*STARTED, PAUSE, PAUSED, RESUME), TaskResumed()),
    ],
)
def test_what_was_asked_for_becomes_true(history: tuple[Event, ...], settled: TaskEvent) -> None:
    given(*history).decides_once(settle(), settled)


@pytest.mark.parametrize("history", [(ONCE,), STARTED, (*STARTED, PAUSE, PAUSED), *ENDS[1:]])
def test_there_is_nothing_to_settle(history: tuple[Event, ...]) -> None:
    given(*history).decides(settle())


def test_a_task_starts_when_its_orchestration_is_ready() -> None:
    given(SCHEDULED).decides(settle(ready=False)).decides(settle(), TaskStarted())


def test_ticks_count_from_the_start_and_again_from_the_resumption() -> None:
    started = given(*STARTED)
    assert started.state.active_since == START + timedelta(seconds=1)
    resumed = started.after(PAUSE, PAUSED, RESUME, TaskResumed())
    assert resumed.state.active_since == START + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("history", "has_runs", "shown"),
    [
        ((ONCE,), False, "pending"),
        ((ONCE,), True, "started"),
        ((ONCE, KILL), True, "pending_kill"),
        ((SCHEDULED,), False, "pending"),
        (STARTED, False, "started"),
    ],
)
def test_a_run_once_task_shows_as_started_once_it_has_a_run(
    history: tuple[Event, ...], has_runs: bool, shown: Status
) -> None:
    assert tasks.shown_status(given(*history).state, has_runs) == shown


@pytest.mark.parametrize("event", [TaskStarted(), PAUSE, TaskKilled(), FAILED])
def test_a_log_that_begins_in_the_middle_is_broken(event: TaskEvent) -> None:
    with pytest.raises(ValueError, match="before the aggregate was created"):
        fold(tasks.evolve, facts(task_stream(1, ID), [event]))
