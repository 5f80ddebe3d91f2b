"""A run starts at most once (I2) and ends exactly once (I6)."""

from uuid import UUID

import pytest

from libs.domain import run as runs
from libs.domain.events import Event, RunEvent, RunFinished, RunRequested, RunStarted
from libs.domain.history import fold
from libs.domain.ids import run_id, run_stream
from libs.domain.run import Run
from libs.domain.run_end import executor_lost
from libs.domain.values import RunEnd
from tests.domain.decider import ID, START, Decider, facts

REQUESTED = RunRequested(task=ID, scheduled_at=START)
STARTED = RunStarted(executor="one")
STREAM = run_stream(1, run_id(ID, START))
LOST = executor_lost().ended()
ENDS: list[RunEnd] = ["success", "failure", "timed_out", "killed"]


def given(*events: Event) -> Decider[Run]:
    return Decider(runs.evolve, STREAM, events)


def end(status: RunEnd = "success") -> RunFinished:
    return RunFinished(status=status, reason=status, exit_code=0, lines=3)


def test_what_is_asked_for_may_start() -> None:
    given(REQUESTED).decides(lambda run: runs.start(run, "one"), STARTED)


@pytest.mark.parametrize("executor", ["one", "two"])
def test_i2_nobody_starts_a_run_twice_not_even_who_has_it(executor: str) -> None:
    given(REQUESTED, STARTED).refuses(
        lambda run: runs.start(run, executor), "conflict", str(run_id(ID, START)), "running"
    )


@pytest.mark.parametrize("status", ENDS)
@pytest.mark.parametrize("history", [(REQUESTED,), (REQUESTED, STARTED)])
def test_i2_what_has_ended_does_not_start(history: tuple[RunEvent, ...], status: RunEnd) -> None:
    ended = given(*history).decides_once(lambda run: runs.finish(run, end(status)), end(status))
    ended.refuses(lambda run: runs.start(run, "one"), "conflict", status)


@pytest.mark.parametrize("status", ENDS)
def test_i6_the_first_end_counts(status: RunEnd) -> None:
    lost = given(REQUESTED, STARTED).decides(lambda run: runs.finish(run, LOST), LOST)
    lost.decides(lambda run: runs.finish(run, end(status)))
    assert (lost.state.status, lost.state.reason) == ("failure", "executor_lost")


def test_a_lost_run_owns_up_that_nobody_knows_its_lines() -> None:
    assert LOST.lines is None


def test_what_a_run_was_is_all_in_its_state() -> None:
    run = given(REQUESTED, STARTED, end("failure")).state
    assert (run.task, run.scheduled_at, run.executor) == (ID, START, "one")
    assert (run.status, run.reason, run.exit_code, run.lines) == ("failure", "failure", 0, 3)
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.requested_at < run.started_at < run.finished_at == run.updated_at


@pytest.mark.parametrize("event", [STARTED, end()])
def test_a_log_that_begins_in_the_middle_is_broken(event: RunEvent) -> None:
    with pytest.raises(ValueError, match="before the aggregate was created"):
        fold(runs.evolve, facts(STREAM, [event]))


def test_i3_a_run_is_named_by_its_task_tick_and_attempt() -> None:
    """Pinned: schedulers of every version must give the same tick the same name."""
    assert run_id(ID, START) == UUID("d01b5cba-5a8d-5594-ab9a-93385ebf1d15")
    assert run_id(ID, START, 2) == UUID("374742eb-6d3b-559d-b916-e604116709b4")
