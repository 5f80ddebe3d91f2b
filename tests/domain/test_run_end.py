"""The reasons for which a run ends: one list, whose words are used by somebody."""

import ast
from pathlib import Path
from typing import get_args

import pytest

from libs.domain import run as runs
from libs.domain.events import RunFinished
from libs.domain.run_end import ENDED, STATUSES, Reason, ended, may_run_again
from services.api.dashboard.run_end_texts import ENDINGS
from services.api.events.published_events import PUBLISHED
from tests.golden.examples import EXAMPLES

ROOT = Path(__file__).parents[2]
WRITERS = [
    path
    for folder in ("libs/domain", "services/executor", "services/scheduler")
    for path in (ROOT / folder).glob("**/*.py")
    if path.name != "run_end.py"
]
BEFORE_THE_LIST = {"exit_code"}  # in a pinned event that was published before there was one


def _constants(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_reason_has_words_for_people() -> None:
    assert set(ENDINGS) == set(get_args(Reason))


def test_every_reason_is_written_by_somebody() -> None:
    written = set().union(*(_constants(path) for path in WRITERS))
    assert set(get_args(Reason)) <= written


def test_nobody_makes_an_end_but_by_ended() -> None:
    """So that no status comes with a reason that it never has."""
    calls = [
        path.name
        for path in WRITERS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RunFinished"
    ]
    assert calls == []


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


def test_only_failures_with_tries_left_run_again() -> None:
    again = {status: may_run_again(status, 1, 2) for status in sorted(ENDED)}
    assert again == {"failure": True, "killed": False, "success": False, "timed_out": True}
    assert not may_run_again("failure", 2, 2)


def test_a_lost_run_is_a_failure() -> None:
    assert runs.lost().status in STATUSES["executor_lost"]
