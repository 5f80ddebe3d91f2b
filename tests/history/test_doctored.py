"""The checker finds nothing in a good history, and names what is wrong with each spoilt one."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec
import pytest

from libs.domain.events import (
    RunFinished,
    RunRequested,
    RunStarted,
    TaskCreated,
    TaskKilled,
    TaskKillRequested,
    TaskPauseRequested,
    TaskResumed,
    TaskResumeRequested,
)
from libs.eventlog.envelope import Recorded
from tests.history.check import check
from tests.history.good import LINES, ONE_ORDER, SKIPPING, Good
from tests.scheduler.story import TASK

SECOND = timedelta(seconds=1)
GOOD = Good().live()
Facts = list[Recorded]
Doctor = Callable[[Facts], Facts]


def numbered(facts: Sequence[Recorded]) -> Facts:
    """As if it had been written so."""
    return [
        msgspec.structs.replace(fact, seq=seq, id=f"id-{seq}")
        for seq, fact in enumerate(facts, start=1)
    ]


def found(facts: Sequence[Recorded], lines: dict[str, int] | None = None) -> list[str]:
    return [str(one) for one in check(facts, GOOD.acknowledged, lines or GOOD.lines())]


def place(facts: Facts, kind: type, which: int = 0, task: object = None) -> int:
    """Where the event of that kind is, of all about that task."""
    places = [
        number
        for number, fact in enumerate(facts)
        if isinstance(fact.event, kind) and (task is None or str(task) in (of(fact, facts)))
    ]
    return places[which]


def of(fact: Recorded, facts: Facts) -> str:
    """The task that it is about."""
    if fact.stream.aggregate == "task":
        return fact.stream.id
    asked = [each.event for each in facts if each.stream == fact.stream]
    return str(asked[0].task) if asked and isinstance(asked[0], RunRequested) else ""


def without(kind: type, which: int = 0, task: object = None) -> Doctor:
    def doctor(facts: Facts) -> Facts:
        at = place(facts, kind, which, task)
        return facts[:at] + facts[at + 1 :]

    return doctor


def twice(kind: type, which: int = 0) -> Doctor:
    def doctor(facts: Facts) -> Facts:
        at = place(facts, kind, which)
        return [*facts[: at + 1], facts[at], *facts[at + 1 :]]

    return doctor


def last(kind: type, which: int = 0, task: object = None) -> Doctor:
    """It comes at the very end."""

    def doctor(facts: Facts) -> Facts:
        at = place(facts, kind, which, task)
        return [*facts[:at], *facts[at + 1 :], msgspec.structs.replace(facts[at], at=facts[-1].at)]

    return doctor


def changed(kind: type, which: int = 0, task: object = None, **fields: object) -> Doctor:
    def doctor(facts: Facts) -> Facts:
        at = place(facts, kind, which, task)
        event = msgspec.structs.replace(facts[at].event, **fields)
        return [*facts[:at], msgspec.structs.replace(facts[at], event=event), *facts[at + 1 :]]

    return doctor


def at_another_time(kind: type, later: timedelta, task: object = None) -> Doctor:
    def doctor(facts: Facts) -> Facts:
        at = place(facts, kind, 0, task)
        moved = msgspec.structs.replace(facts[at], at=facts[at].at + later)
        return [*facts[:at], moved, *facts[at + 1 :]]

    return doctor


def a_run_lost(task: object, which: int) -> Doctor:
    """The run of one tick with all that is told of it."""

    def doctor(facts: Facts) -> Facts:
        gone = facts[place(facts, RunRequested, which, task)].stream
        return [fact for fact in facts if fact.stream != gone]

    return doctor


def test_a_good_history_is_good() -> None:
    assert found(GOOD.facts) == []
    assert found(numbered(GOOD.facts)) == []
    kinds = {type(fact.event) for fact in GOOD.facts}
    assert {TaskResumed, TaskKilled, RunStarted} < kinds
    requests = [fact.event for fact in GOOD.facts if isinstance(fact.event, RunRequested)]
    assert {event.attempt for event in requests} == {1, 2}
    ends = [fact.event.missed for fact in GOOD.facts if isinstance(fact.event, TaskKilled)]
    assert all(ends)


SPOILT: list[tuple[str, Doctor, str, str]] = [
    ("a start doubled", twice(RunStarted), "I2", "2 times RunStarted"),
    ("an end doubled", twice(RunFinished), "log", "2 times RunFinished"),
    ("a request doubled", twice(RunRequested), "log", "2 times RunRequested"),
    ("an end missing", without(RunFinished, 2), "I6", "no end"),
    ("an end too late", at_another_time(RunFinished, 200 * SECOND, ONE_ORDER), "I6", "after it"),
    ("a tick lost", a_run_lost(TASK, 1), "I3", "ticks are lost"),
    ("the first tick lost", a_run_lost(TASK, 0), "I3", "ticks are lost"),
    ("a tick of a skipping one lost", a_run_lost(SKIPPING, 1), "I3", "ticks are lost"),
    ("a count too great", changed(RunRequested, 2, TASK, missed=1), "I3", "counted twice"),
    ("a count at the end lost", changed(TaskKilled, 0, TASK, missed=0), "I3", "ticks are lost"),
    ("a count at the end too great", changed(TaskKilled, 0, TASK, missed=99), "I3", "twice"),
    ("a pause forgotten", without(TaskPauseRequested), "I3", "ticks are lost"),
    ("a pause acknowledged and lost", without(TaskPauseRequested), "I1", "not what is wanted"),
    ("a resumption earlier", at_another_time(TaskResumed, -2 * SECOND), "I3", "ticks are lost"),
    ("a resumption later", at_another_time(TaskResumed, 3 * SECOND), "I3", "none of its active"),
    ("an order lost", without(TaskCreated, 0, ONE_ORDER), "I1", "not in the log"),
    ("a kill lost", without(TaskKillRequested, 0, TASK), "I1", "not what is wanted"),
    ("killed unasked", without(TaskKillRequested, 0, TASK), "log", "nobody asked"),
    ("a start after the kill", last(RunStarted, 2, TASK), "I7", "started after TaskKilled"),
    ("an end after the kill", last(RunFinished, 2, TASK), "I7", "under way at TaskKilled"),
    ("a pause after the kill", last(TaskPauseRequested), "I7", "TaskPauseRequested after"),
    ("a pause asked for twice", twice(TaskPauseRequested), "log", "after TaskPauseRequested"),
    ("a resumption doubled", twice(TaskResumed), "log", "TaskResumed after TaskResumed"),
    ("an order doubled", twice(TaskCreated), "log", "TaskCreated after"),
    ("resumed unasked", without(TaskResumeRequested), "log", "TaskResumed after TaskPaused"),
    ("never created", without(TaskCreated, 0, SKIPPING), "log", "begins with TaskStarted"),
    ("a kill that is not confirmed", without(TaskKilled, 0, TASK), "log", "nothing has come of"),
    ("a success without a start", without(RunStarted, 0, TASK), "log", "it never started"),
    ("a run without a request", without(RunRequested, 0, ONE_ORDER), "log", "begins with"),
    ("an end before the start", last(RunStarted, 0, ONE_ORDER), "log", "RunStarted after its end"),
]


@pytest.mark.parametrize(
    ("name", "doctor", "rule", "words"), SPOILT, ids=[one[0] for one in SPOILT]
)
def test_a_spoilt_history_is_told(name: str, doctor: Doctor, rule: str, words: str) -> None:
    """By the rule that it breaks, though its numbers are in order."""
    told = found(numbered(doctor(list(GOOD.facts))))
    assert [one for one in told if one.startswith(rule) and words in one], told


@pytest.mark.parametrize("seconds", [-3, 1, 0.5])
def test_a_run_for_an_instant_that_is_no_tick_is_told(seconds: float) -> None:
    facts = list(GOOD.facts)
    event = facts[place(facts, RunRequested, 2, TASK)].event
    assert isinstance(event, RunRequested)
    at = event.scheduled_at + seconds * SECOND
    told = found(changed(RunRequested, 2, TASK, scheduled_at=at)(facts))
    assert [one for one in told if one.startswith("I3")], told
    assert [one for one in told if "not the name of its tick" in one], told


def test_a_further_attempt_after_a_success_is_told() -> None:
    facts = list(GOOD.facts)
    second = next(
        fact.event
        for fact in facts
        if isinstance(fact.event, RunRequested) and fact.event.attempt > 1
    )
    first = next(
        fact.stream
        for fact in facts
        if isinstance(fact.event, RunRequested)
        and fact.event.attempt == 1
        and fact.event.scheduled_at == second.scheduled_at
        and fact.event.task == second.task
    )
    facts = [
        msgspec.structs.replace(fact, event=msgspec.structs.replace(fact.event, status="success"))
        if fact.stream == first and isinstance(fact.event, RunFinished)
        else fact
        for fact in facts
    ]
    assert [one for one in found(facts) if "has not failed" in one]


@pytest.mark.parametrize("number", range(0, len(GOOD.facts) - 1, 5))
def test_an_event_that_is_gone_is_told(number: int) -> None:
    facts = GOOD.facts[:number] + GOOD.facts[number + 1 :]
    assert [one for one in found(facts) if one.startswith("log event")]


def test_two_events_in_the_wrong_order_are_told() -> None:
    facts = list(GOOD.facts)
    facts[20], facts[21] = facts[21], facts[20]
    assert [one for one in found(facts) if one.startswith("log event")]


def test_lines_that_are_missing_are_told() -> None:
    lines = GOOD.lines()
    lines[next(iter(lines))] = LINES - 1
    assert [one for one in found(GOOD.facts, lines) if "6 lines of log, of 7" in one]


def test_ticks_long_overdue_are_told_of_a_task_that_goes_on() -> None:
    """Its runs have stopped coming, and nothing says why."""
    facts = [fact for fact in GOOD.facts if of(fact, GOOD.facts) == str(TASK)]
    cut = place(facts, TaskPauseRequested)
    late = msgspec.structs.replace(GOOD.facts[0], at=facts[cut].at + 200 * SECOND)
    told = check([*facts[:cut], late], quiet=False)
    assert [one for one in told if "long overdue" in one.what]
