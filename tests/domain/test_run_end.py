"""The reasons for which a run ends: one list, whose words are used by somebody."""

import ast
from pathlib import Path
from typing import get_args

import pytest

from libs.domain import run_end
from libs.domain.events import RunFinished
from libs.domain.run_end import ENDED, STATUSES, Reason, ended, may_run_again, tries_used
from libs.domain.values import RunEnd
from services.api.dashboard.run_end_texts import ENDINGS
from services.api.events.asyncapi import document
from services.api.events.published_events import PUBLISHED
from tests.golden.examples import EXAMPLES

ROOT = Path(__file__).parents[2]
WRITERS = [
    path
    for folder in ("services/executor", "services/scheduler")
    for path in (ROOT / folder).glob("**/*.py")
]
BEFORE_THE_LIST = {"exit_code"}  # in a pinned event that was published before there was one


def test_every_reason_has_words_for_people() -> None:
    assert set(ENDINGS) == set(get_args(Reason))


# What each constructor is given, where it takes something.
GIVEN: dict[str, tuple[object, ...]] = {
    "exited": (1,),
    "signal": ("SIGSEGV",),
    "start_failed": ("no such file",),
}


@pytest.mark.parametrize("reason", get_args(Reason))
def test_a_reason_has_one_constructor_which_has_its_name(reason: Reason) -> None:
    verdict = getattr(run_end, reason)(*GIVEN.get(reason, ()))
    assert verdict.reason == reason
    assert verdict.ended(lines=3) == ended(verdict.status, reason, detail=verdict.detail, lines=3)


def test_every_reason_is_written_by_somebody() -> None:
    """Executor or scheduler calls its constructor."""
    called = {
        node.func.attr
        for path in WRITERS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "run_end"
    }
    assert set(get_args(Reason)) <= called


def test_nobody_makes_an_end_but_by_ended() -> None:
    """So that no status comes with a reason that it never has."""
    calls = [
        path.name
        for path in WRITERS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RunFinished"
    ]
    assert calls == []


def test_every_reason_has_an_example_in_the_asyncapi_document() -> None:
    message = document("http://localhost")["components"]["messages"]["RunFinished"]
    shown = {each["payload"]["reason"] for each in message["examples"]}
    assert shown == set(get_args(Reason))


def test_published_examples_say_only_reasons_that_there_are() -> None:
    shown = [event for events in PUBLISHED.values() for event in events]
    pinned = [event for _, event in EXAMPLES.values()]
    reasons = {event.reason for event in (*shown, *pinned) if isinstance(event, RunFinished)}
    assert reasons - BEFORE_THE_LIST <= set(get_args(Reason))


@pytest.mark.parametrize("reason", get_args(Reason))
def test_a_status_that_never_goes_with_a_reason_is_refused(reason: Reason) -> None:
    assert STATUSES[reason]
    for status in ENDED:
        if status in STATUSES[reason]:
            assert (ended(status, reason).status, ended(status, reason).reason) == (status, reason)
        else:
            with pytest.raises(ValueError, match=reason):
                ended(status, reason)


@pytest.mark.parametrize("status", sorted(ENDED))
def test_a_task_runs_again_while_its_end_has_used_fewer_tries_than_it_has(status: RunEnd) -> None:
    for attempt, attempts in [(1, 1), (1, 2), (2, 2), (2, 3)]:
        used = tries_used(status, attempt)
        spent = attempts <= (attempts if used is None else used)  # as spend_tasks says
        assert may_run_again(status, attempt, attempts) is not spent


def test_only_failures_with_tries_left_run_again() -> None:
    again = {status: may_run_again(status, 1, 2) for status in sorted(ENDED)}
    assert again == {"failure": True, "killed": False, "success": False, "timed_out": True}
    assert not may_run_again("failure", 2, 2)
