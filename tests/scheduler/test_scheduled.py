"""When a scheduled task's runs are asked for."""

import msgspec
import pytest

from libs.domain.events import (
    RunRequested,
    RunStarted,
    TaskCompleted,
    TaskPaused,
    TaskPauseRequested,
    TaskResumed,
    TaskResumeRequested,
    TaskStarted,
)
from libs.domain.values import Retry, Schedule
from services.scheduler import decide
from tests.scheduler.story import START, TASK, Story, end, every, started, ticks


def test_ticks_count_from_when_the_scheduler_takes_charge() -> None:
    story = Story()
    story.task(every(10))
    story.wait(35)
    story.packaged()
    assert story.settle() == [TaskStarted()]
    story.wait(4.9)
    assert story.due() == []
    story.wait(0.1)
    assert ticks(story.settle()) == ["40"]
    story.wait(10)
    assert ticks(story.settle()) == ["50"]


def test_i3_what_was_missed_is_counted() -> None:
    story = started(every(10))
    story.wait(47)
    assert ticks(story.settle()) == ["40+3"]
    story.wait(3)
    assert ticks(story.settle()) == ["50"]


def test_i3_ticks_that_have_not_come_back_are_accounted_for() -> None:
    story = started(every(10))
    pending_tick = START.replace(second=10)
    story.wait(20)
    assert ticks(story.due(pending_tick=pending_tick)) == ["20"]
    assert ticks(story.due()) == ["20+1"]


@pytest.mark.parametrize("overlap", ["skip", "queue"])
def test_a_run_that_has_not_come_back_is_open(overlap: str) -> None:
    """However long its RunRequested takes to come back from the log."""
    story = started(every(10, overlap=overlap))
    story.wait(20)
    assert story.due(pending_tick=START.replace(second=10)) == []


def test_overlap_skip_lets_go_and_counts() -> None:
    story = started(every(10, overlap="skip"))
    story.wait(10)
    story.settle()
    story.wait(25)
    assert story.due() == []
    story.finish(START.replace(second=10))
    assert story.due() == []
    story.wait(5)
    assert ticks(story.settle()) == ["40+2"]


def test_overlap_queue_has_it_as_soon_as_it_may() -> None:
    story = started(every(10, overlap="queue", misfire="all"))
    story.wait(10)
    story.settle()
    story.wait(25)
    assert story.due() == []
    story.finish(START.replace(second=10))
    assert ticks(story.settle()) == ["20"]
    story.finish(START.replace(second=20))
    assert ticks(story.settle()) == ["30"]


def test_a_paused_schedule_rests_and_goes_on_from_its_resumption() -> None:
    story = started(every(10))
    story.wait(10)
    story.settle()
    story.task(TaskPauseRequested())
    assert story.settle() == [TaskPaused()]
    story.wait(35)
    assert story.due() == []
    story.task(TaskResumeRequested())
    assert story.settle() == [TaskResumed()]
    story.wait(5)
    assert ticks(story.settle()) == ["50"]


def ending(second: int) -> Story:
    """On a schedule whose last tick is in so many seconds."""
    order = msgspec.structs.replace(
        every(10), schedule=Schedule(expression=f"{second} 0 12 2 3 2026")
    )
    return started(order)


def test_a_schedule_with_nothing_to_come_ends_visibly() -> None:
    story = ending(10)
    story.wait(10)
    assert ticks(story.settle()) == ["10"]
    story.wait(5)
    assert story.due() == []
    story.finish(START.replace(second=10))
    assert story.settle() == [TaskCompleted(reason="schedule_ended")]
    assert story.plan.tasks == {}


def test_a_schedule_does_not_end_before_its_last_run_has_come_back() -> None:
    """Else that run's failure would find a task that is over, and no retry."""
    story = ending(10)
    story.wait(10)
    assert story.due(pending_tick=START.replace(second=10)) == []


def test_a_retry_of_one_tick_leaves_those_of_others() -> None:
    order = msgspec.structs.replace(every(10), retry=Retry(attempts=2, backoff=30))
    story = started(order)
    for second in (10, 20):
        story.wait(10)
        story.settle()
        story.finish(START.replace(second=second), "failure")
    story.wait(20)
    assert "10#2" in ticks(story.settle())
    story.wait(10)
    assert "20#2" in ticks(story.settle())


@pytest.mark.parametrize("overlap", ["skip", "queue"])
def test_a_run_to_be_tried_again_is_open(overlap: str) -> None:
    order = msgspec.structs.replace(every(10, overlap=overlap), retry=Retry(attempts=2, backoff=15))
    story = started(order)
    story.wait(10)
    story.settle()
    story.finish(START.replace(second=10), "failure")
    story.wait(12)
    assert story.due() == []
    story.wait(3)
    assert ticks(story.settle()) == ["10#2"]


def test_the_scheduler_sleeps_until_the_next_tick_or_retry() -> None:
    order = msgspec.structs.replace(every(20), retry=Retry(attempts=2, backoff=3))
    story = started(order)
    assert decide.wake_at(story.plan, TASK, story.now) == START.replace(second=20)
    story.wait(20)
    story.settle()
    story.run(START.replace(second=20), RunStarted(executor="one"), end("failure"))
    assert decide.wake_at(story.plan, TASK, story.now) == START.replace(second=23)


def test_i3_each_tick_is_a_run_of_its_own() -> None:
    story = started(every(10, misfire="all"))
    story.wait(50)
    steps = decide.steps(story.plan, TASK, story.now, None)
    assert ticks([step.proposed.event for step in steps]) == ["10", "20", "30", "40", "50"]
    assert len({step.proposed.stream for step in steps}) == 5
    assert all(step.proposed.expected == 0 for step in steps)
    assert all(isinstance(step.proposed.event, RunRequested) for step in steps)
