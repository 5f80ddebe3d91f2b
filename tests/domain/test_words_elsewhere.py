"""Statuses where no type checker looks, in SQL, templates, styles and the SDK: the domain's words.

In Python they are literals of the domain's types, so mypy refuses a word that it does not know.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec
import pytest
import rondo.aio.task
import rondo.records

from libs.domain import (
    deployment,
    model_version,
    orchestration,
    run,
    subscription,
    task,
    values,
)
from libs.domain.run_end import ENDED, FAILED

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "histories"
API = ROOT / "services" / "api"
DASHBOARD = API / "dashboard"

RUN = frozenset(get_args(run.Status))
TASK = frozenset(get_args(task.Status))
ORCHESTRATION = frozenset(get_args(orchestration.Status))
STATUSES = RUN | TASK | ORCHESTRATION
STATUSES |= {
    status
    for one in (subscription.Status, model_version.Status, deployment.Status)
    for status in get_args(one)
}

_IN_SQL = re.compile(r"\b(?:(\w+)\.)?(status|kind)\s*(?:=|<>)\s*'(\w+)'")


def compared_in_sql() -> Iterator[tuple[str, str]]:
    """The column, and the word that it is compared with."""
    for path in (ROOT / "services").glob("**/*.sql"):
        for _, column, word in _IN_SQL.findall(path.read_text()):
            yield column, word


def test_sql_compares_statuses_with_words_of_the_domain() -> None:
    found = set(compared_in_sql())
    assert len(found) >= 8
    assert {word for column, word in found if column == "status"} <= RUN | TASK
    kinds = {*get_args(values.Kind), *get_args(values.SubscriptionKind)}
    assert {word for column, word in found if column == "kind"} <= kinds


def test_runs_are_counted_by_every_status() -> None:
    text = (API / "read_model/queries/projection.sql").read_text()
    counted = re.findall(r"FILTER \(WHERE status = '(\w+)'\)", text)
    assert sorted(counted) == sorted(RUN)
    (columns,) = re.findall(r"INSERT INTO run_count \(workspace, ([^)]*)\)", text)
    assert columns.split(", ") == counted


def test_pages_have_a_colour_for_every_status() -> None:
    text = (DASHBOARD / "templates/parts.html").read_text()
    (colours,) = re.findall(r"set colours = \{(.*?)\}", text, re.DOTALL)
    (words,) = re.findall(r"set words = \{(.*?)\}", text, re.DOTALL)
    assert STATUSES - {"deleted"} <= set(re.findall(r'"(\w+)": "', colours))
    assert set(re.findall(r'"(\w+)": "', words)) <= STATUSES


@pytest.mark.parametrize("status", sorted(RUN))
def test_a_timeline_has_a_colour_for_every_status_of_a_run(status: str) -> None:
    text = (DASHBOARD / "static/timeline.css").read_text()
    for needed in (f"--s-{status}:", f"svg .s-{status} ", f".key.s-{status}::before"):
        assert needed in text


def test_the_sdk_knows_how_a_run_may_end() -> None:
    assert rondo.records.END_STATUSES == ENDED


def test_the_sdk_has_every_status_of_a_task() -> None:
    assert {one.value for one in rondo.records.TaskStatus} >= TASK


def a_task(status: str) -> task.Task:
    known = json.loads((GOLDEN / "task-schedule-over.json").read_text())["state"]
    return msgspec.convert({**known, "status": status}, task.Task)


def test_the_sdk_waits_for_no_run_of_a_task_that_has_none_to_come() -> None:
    """`schedule_error` is a word of the API that it was made for, which Rondo never says."""
    over = {status for status in TASK if not task.can_run(a_task(status))}
    assert rondo.aio.task._NO_MORE_RUNS - {"schedule_error"} == over


def test_the_sdk_takes_the_same_ends_for_failures_as_the_domain() -> None:
    text = (ROOT / "libs/sdk/rondo/aio/task.py").read_text()
    (failures,) = re.findall(r'\["Status"\] not in \(([^)]*)\)', text)
    assert set(re.findall(r'"(\w+)"', failures)) == FAILED
