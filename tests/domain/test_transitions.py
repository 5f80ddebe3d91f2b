"""The tables of statuses: whole, and what decisions go by."""

import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest

from libs.domain import orchestration as orchestrations
from libs.domain import run as runs
from libs.domain import run_end
from libs.domain import subscription as subscriptions
from libs.domain import task as tasks
from libs.domain.errors import Rejected
from libs.domain.events import Event
from libs.domain.history import Fact
from libs.domain.ids import Aggregate, stream_of
from libs.domain.registry import AGGREGATES
from libs.domain.transitions import Transitions
from tests.golden.examples import EXAMPLES

ID = UUID("7f9c1f52-9b52-4d0e-8f43-0d7e7f5d2b11")
TABLES: dict[Aggregate, Transitions[Any]] = {
    name: one.transitions for name, one in AGGREGATES.items() if one.transitions is not None
}
STATUSES: dict[Aggregate, tuple[str, ...]] = {
    "orchestration": get_args(orchestrations.Status),
    "task": get_args(tasks.Status),
    "run": get_args(runs.Status),
    "subscription": get_args(subscriptions.Status),
}
# Every decision that there is on an aggregate which exists.
DECISIONS: dict[Aggregate, Sequence[Callable[[Any], Sequence[Event]]]] = {
    "orchestration": [
        orchestrations.start_packaging,
        lambda state: orchestrations.packaged(state, "base", "0", {}),
        lambda state: orchestrations.failed(state, "no such package"),
    ],
    "task": [
        tasks.pause,
        tasks.resume,
        lambda state: tasks.kill(state, keep_logs=False),
        lambda state: tasks.settle(state, orchestration_ready=True, open_runs=False),
        lambda state: tasks.settle(state, orchestration_ready=False, open_runs=True),
        lambda state: tasks.fail(state, "packaging failed"),
        tasks.complete,
    ],
    "run": [
        lambda state: runs.start(state, "one"),
        lambda state: runs.finish(state, run_end.exited(0).ended()),
        lambda state: runs.finish(state, run_end.exited(1).ended()),
        lambda state: runs.finish(state, run_end.timeout().ended()),
        lambda state: runs.finish(state, run_end.killed().ended()),
    ],
    "subscription": [subscriptions.pause, subscriptions.resume, subscriptions.delete],
}


def fact(name: Aggregate, event: Event) -> Fact:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return Fact(stream=stream_of(name, 5, ID), event=event, at=at, actor="ann")


def born(name: Aggregate) -> Any:
    one = AGGREGATES[name]
    return one.evolve(None, fact(name, EXAMPLES[one.created_by.__name__][1]))


def reached(name: Aggregate) -> dict[str, Any]:
    """A state of every status that decisions lead to."""
    found: dict[str, Any] = {}
    waiting = [born(name)]
    while waiting:
        state = waiting.pop()
        if found.setdefault(state.status, state) is state:
            waiting += [AGGREGATES[name].evolve(state, fact(name, one)) for one in decided(state)]
    return found


def decided(state: Any) -> list[Event]:
    name = next(name for name, one in AGGREGATES.items() if isinstance(state, one.state))
    found: list[Event] = []
    for decide in DECISIONS[name]:
        with contextlib.suppress(Rejected):
            found += decide(state)
    return found


@pytest.mark.parametrize("name", TABLES)
def test_the_table_has_every_status_and_no_other(name: Aggregate) -> None:
    rows = list(TABLES[name])
    assert {status for row in rows for status in row.targets} == set(STATUSES[name])
    assert {status for row in rows for status in row.sources} <= set(STATUSES[name])
    assert {row.event for row in rows} == set(AGGREGATES[name].events)
    assert [row.event for row in rows if not row.sources] == [AGGREGATES[name].created_by]


@pytest.mark.parametrize("name", TABLES)
def test_an_event_leads_where_the_table_says(name: Aggregate) -> None:
    one = AGGREGATES[name]
    for row in TABLES[name]:
        before = born(name) if row.sources else None
        after = one.evolve(before, fact(name, EXAMPLES[row.event.__name__][1]))
        assert after.status in row.targets


@pytest.mark.parametrize("name", TABLES)
def test_decisions_take_every_way_that_the_table_allows_and_no_other(name: Aggregate) -> None:
    states = reached(name)
    assert set(states) == set(STATUSES[name])
    allowed = {(row.event, status) for row in TABLES[name] for status in row.sources}
    taken = {(type(event), state.status) for state in states.values() for event in decided(state)}
    assert taken == allowed


def test_a_state_from_a_log_of_another_age_is_read_all_the_same() -> None:
    """`evolve` refuses nothing: what is in the log has happened."""
    killed = msgspec.structs.replace(born("task"), status="killed")
    event = EXAMPLES["TaskPaused"][1]
    assert AGGREGATES["task"].evolve(killed, fact("task", event)).status == "paused"
