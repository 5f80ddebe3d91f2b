"""When a run-once or continuous task's runs are asked for, and when it is forgotten."""

from datetime import timedelta

import msgspec
import pytest

from libs.domain.events import (
    Event,
    OrchestrationFailed,
    RunRequested,
    RunStarted,
    TaskFailed,
    TaskPaused,
    TaskPauseRequested,
    TaskResumed,
    TaskResumeRequested,
    TaskStarted,
)
from libs.domain.ids import orchestration_stream
from libs.domain.values import Retry
from services.scheduler import decide
from services.scheduler.plan import HEAD_START, MAX_BACKOFF_SECONDS, Plan
from tests.scheduler.story import (
    CONTINUOUS,
    ONCE,
    ORCHESTRATION,
    START,
    TASK,
    Story,
    started,
    ticks,
)


def test_run_once_waits_for_its_orchestration_then_runs_once() -> None:
    story = Story()
    story.task(ONCE)
    assert story.due() == []
    story.wait(10)
    story.packaged()
    assert story.settle() == [RunRequested(task=TASK, scheduled_at=START)]
    story.wait(10)
    assert story.due() == []


def test_a_run_that_comes_with_its_order_is_not_asked_for() -> None:
    story = Story()
    story.packaged()
    story.task(ONCE)
    assert story.due() == []
    story.run(START, RunRequested(task=TASK, scheduled_at=START))
    story.wait(10)
    assert story.due() == []


def test_a_run_that_should_have_come_with_its_order_is_asked_for_a_little_later() -> None:
    story = Story()
    story.packaged()
    story.task(ONCE)
    wake_at = decide.wake_at(story.plan, TASK, story.now)
    assert wake_at == START + HEAD_START
    story.wait(HEAD_START.total_seconds())
    assert story.settle() == [RunRequested(task=TASK, scheduled_at=START)]


def test_an_orchestration_that_becomes_ready_wakes_its_tasks() -> None:
    story = Story()
    story.task(ONCE)
    story.plan.woken.clear()
    story.packaged()
    assert story.plan.woken == {TASK}


def test_it_wakes_them_after_a_restart_too() -> None:
    story = Story()
    story.task(ONCE)
    before, story.plan = story.plan, Plan()
    story.plan.restore("task", TASK, before.tasks[TASK])
    assert story.plan.woken == {TASK}  # everything is looked at once
    story.plan.woken.clear()
    story.packaged()
    assert story.plan.woken == {TASK}


@pytest.mark.parametrize("order", [ONCE, CONTINUOUS])
def test_a_task_fails_when_its_orchestration_does(order: Event) -> None:
    story = Story()
    story.task(order)
    story.tell(orchestration_stream(1, ORCHESTRATION), OrchestrationFailed(reason="no nunpy"))
    assert story.settle() == [TaskFailed(reason="packaging failed: no nunpy")]
    assert story.plan.tasks == {}


@pytest.mark.parametrize("status", ["success", "failure", "timed_out", "killed"])
def test_a_run_once_that_has_ended_is_forgotten(status: str) -> None:
    story = started(ONCE)
    assert TASK in story.plan.tasks
    story.finish(START, status)  # type: ignore[arg-type]
    assert (story.plan.tasks, story.plan.runs) == ({}, {})
    assert story.due() == []


def test_i2_a_tick_in_the_log_that_has_not_come_back_is_not_asked_for_again() -> None:
    story = Story()
    story.packaged()
    story.task(ONCE)
    story.wait(1)
    assert ticks(story.due()) == ["0"]
    assert story.due(pending_tick=START) == []


def retrying(attempts: int) -> Story:
    return started(msgspec.structs.replace(ONCE, retry=Retry(attempts=attempts, backoff=4)))


def test_retries_come_with_a_doubling_wait_and_an_end() -> None:
    story = retrying(3)
    story.finish(START, "failure")
    story.wait(3.9)
    assert story.due() == []
    story.wait(0.1)
    assert ticks(story.settle()) == ["0#2"]
    story.finish(START, "timed_out", attempt=2)
    story.wait(7.9)
    assert story.due() == []
    story.wait(0.1)
    assert ticks(story.settle()) == ["0#3"]
    story.finish(START, "failure", attempt=3)
    story.wait(1000)
    assert story.due() == []
    assert story.plan.tasks == {}


@pytest.mark.parametrize("status", ["success", "killed"])
def test_what_went_well_or_was_killed_is_not_tried_again(status: str) -> None:
    story = retrying(3)
    story.finish(START, status)  # type: ignore[arg-type]
    assert story.plan.tasks == {}


def test_a_continuous_task_runs_again_at_once_after_success() -> None:
    story = Story()
    story.packaged()
    story.task(CONTINUOUS)
    assert [type(event) for event in story.settle()] == [TaskStarted, RunRequested]
    story.wait(5)
    assert story.due() == []
    story.finish(START)
    assert ticks(story.settle()) == ["5"]


def test_a_continuous_task_backs_off_from_failure_up_to_a_minute() -> None:
    story = started(CONTINUOUS)
    waits = []
    for _ in range(8):
        run_at = max(run.scheduled_at for run in story.plan.runs.values())
        story.finish(run_at, "failure")
        failed_at = story.now
        while not story.due():
            story.wait(0.5)
        waits.append((story.now - failed_at).total_seconds())
        story.settle()
    assert waits == [1, 2, 4, 8, 16, 32, MAX_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS]
    run_at = max(run.scheduled_at for run in story.plan.runs.values())
    story.finish(run_at)
    assert story.due() != []


def test_i3_both_schedulers_give_a_continuous_run_the_same_instant() -> None:
    """However late they look."""
    story = started(CONTINUOUS)
    story.finish(START, "failure")
    story.wait(1)
    early = story.due()
    story.wait(30)
    assert early == story.due() != []


def test_a_paused_continuous_task_goes_on_when_resumed() -> None:
    story = started(CONTINUOUS)
    story.task(TaskPauseRequested())
    assert story.settle() == [TaskPaused()]
    story.finish(START)
    story.wait(60)
    assert story.due() == []
    story.task(TaskResumeRequested())
    events = story.settle()
    assert events[0] == TaskResumed()
    assert len(ticks(events)) == 1


def test_i2_a_claimed_run_is_not_asked_for_again() -> None:
    story = started(CONTINUOUS)
    story.run(START, RunStarted(executor="one"))
    story.now += timedelta(days=1)
    assert story.due() == []
