"""I7, the scheduler's side: a killed task asks for nothing and ends when nothing of it is open."""

import msgspec

from libs.domain.events import RunFinished, RunRequested, RunStarted, TaskKilled, TaskKillRequested
from libs.domain.values import Retry
from services.scheduler import decide
from tests.scheduler.story import ONCE, START, TASK, Story, end, every, started, ticks

KILL = TaskKillRequested()
CLOSED = RunFinished(status="killed", reason="killed", lines=0)


def test_i7_a_task_without_runs_is_killed_at_once() -> None:
    story = Story()
    story.task(ONCE, KILL)
    assert story.settle() == [TaskKilled()]
    assert story.plan.tasks == {}


def test_i7_a_queued_run_is_closed_first() -> None:
    story = started(ONCE)
    story.task(KILL)
    assert story.settle() == [CLOSED, TaskKilled()]
    assert (story.plan.tasks, story.plan.runs) == ({}, {})


def test_i7_a_running_one_is_waited_for() -> None:
    story = started(ONCE)
    story.run(START, RunStarted(executor="one"))
    story.task(TaskKillRequested(keep_logs=True))
    assert story.settle() == []
    story.run(START, end("killed"))
    assert story.settle() == [TaskKilled(keep_logs=True)]


def test_i7_a_run_that_has_not_come_back_is_waited_for() -> None:
    """Else the task would be killed first and its run asked for after, in the log's order."""
    story = Story()
    story.packaged()
    story.task(ONCE, KILL)
    assert story.due(pending_tick=START) == []
    story.run(START, RunRequested(task=TASK, scheduled_at=START))
    assert story.settle() == [CLOSED, TaskKilled()]


def test_i7_some_queued_some_running() -> None:
    story = started(every(10, misfire="all"))
    story.wait(30)
    story.settle()
    story.run(START.replace(second=10), RunStarted(executor="one"))
    story.task(KILL)
    assert story.settle() == [CLOSED, CLOSED]
    story.wait(60)
    assert story.due() == []
    story.run(START.replace(second=10), end("killed"))
    assert story.settle() == [TaskKilled()]
    story.wait(60)
    assert story.due() == []


def test_i7_nothing_is_tried_again_after_a_kill() -> None:
    story = started(msgspec.structs.replace(ONCE, retry=Retry(attempts=5, backoff=0)))
    story.run(START, RunStarted(executor="one"))
    story.task(KILL)
    story.run(START, end("failure"))
    assert story.settle() == [TaskKilled()]
    story.wait(3600)
    assert ticks(story.due()) == []


def test_i7_the_kill_of_a_forgotten_task_is_remembered_until_it_is_confirmed() -> None:
    story = started(ONCE)
    story.finish(START)
    story.plan.woken.clear()
    story.task(KILL)
    assert story.plan.woken == {TASK}
    stream, context = decide.kill_stream(story.plan, TASK)
    assert stream == story.facts[-1].stream
    assert context.causation == story.facts[-1].id
    story.task(TaskKilled())
    assert story.plan.kills == {}
    assert decide.steps(story.plan, TASK, story.now, None) == []


def test_i6_a_vanished_executor_s_runs_are_closed_and_tried_again_by_policy() -> None:
    story = started(msgspec.structs.replace(ONCE, retry=Retry(attempts=2, backoff=0)))
    story.run(START, RunStarted(executor="one"))
    assert decide.lost_run_steps(story.plan, {"two"}) == []
    (step,) = decide.lost_run_steps(story.plan, {"one"})
    assert step.proposed.expected == story.facts[-1].seq
    story.tell(step.proposed.stream, step.proposed.event)
    assert ticks(story.settle()) == ["0#2"]


def test_i7_a_day_of_queued_runs_is_closed_part_by_part() -> None:
    """So that the loop is free for others between the parts."""
    story = started(every(1, overlap="allow", misfire="all", misfire_cap=1000))
    for _ in range(5):
        story.wait(1000)
        story.settle()
    story.task(KILL)
    assert len(story.due()) == 1000
    assert story.settle() == [CLOSED] * 5000 + [TaskKilled()]
