"""The tables of statuses: whole, and what decisions go by."""

import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast, get_args
from uuid import UUID

import msgspec
import pytest

from libs.domain import deployment as deployments
from libs.domain import model_version as versions
from libs.domain import orchestration as orchestrations
from libs.domain import run as runs
from libs.domain import run_end
from libs.domain import subscription as subscriptions
from libs.domain import task as tasks
from libs.domain.errors import Rejected
from libs.domain.events import (
    DeploymentRequested,
    Event,
    ModelVersionConfigured,
    ModelVersionFailed,
    ModelVersionReady,
    ReplicaStopped,
)
from libs.domain.history import Fact
from libs.domain.ids import Aggregate, stream_of
from libs.domain.registry import AGGREGATES
from libs.domain.transitions import Transitions
from tests.golden.examples import EXAMPLES

ID = UUID("7f9c1f52-9b52-4d0e-8f43-0d7e7f5d2b11")
OTHER = UUID(int=34)
TABLES: dict[Aggregate, Transitions[Any]] = {
    name: one.transitions for name, one in AGGREGATES.items() if one.transitions is not None
}
STATUSES: dict[Aggregate, tuple[str, ...]] = {
    "orchestration": get_args(orchestrations.Status),
    "task": get_args(tasks.Status),
    "run": get_args(runs.Status),
    "subscription": get_args(subscriptions.Status),
    "model_version": get_args(versions.Status),
    "deployment": get_args(deployments.Status),
}
REQUESTED = cast(DeploymentRequested, EXAMPLES["DeploymentRequested"][1])
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
    "model_version": [
        lambda state: versions.probed(state, ModelVersionReady(inputs=[], outputs=[])),
        lambda state: versions.probed(state, ModelVersionFailed(reason="it is no ONNX file")),
        lambda state: versions.configure(state, ModelVersionConfigured()),
        lambda state: versions.tag(state, ID),
        lambda state: versions.untag(state, ID),
        versions.delete,
    ],
    "deployment": [
        lambda _: deployments.request(
            cast(DeploymentRequested, EXAMPLES["DeploymentRequested"][1])
        ),
        lambda state: deployments.replica_started(state, ID, state.generation, 0.1),
        lambda state: deployments.replica_started(state, OTHER, state.serving.generation, 0.1),
        lambda state: deployments.replica_stopped(
            state, ReplicaStopped(replica=ID, reason="crashed")
        ),
        lambda state: deployments.replica_stopped(state, ReplicaStopped(replica=ID, reason="idle")),
        lambda state: deployments.failed(state, state.generation, "no memory"),
        deployments.undeploy,
    ],
}


def fact(name: Aggregate, event: Event) -> Fact:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return Fact(stream=stream_of(name, 5, ID), event=event, at=at, actor="ann")


def born(name: Aggregate) -> Any:
    one = AGGREGATES[name]
    return one.evolve(None, fact(name, EXAMPLES[one.created_by.__name__][1]))


def reached(name: Aggregate) -> list[Any]:
    """A state of every status that decisions lead to, the nearest first; of deployments, with
    replicas and without, and with a revision that goes on serving and without."""
    found: dict[tuple[str, bool, bool], Any] = {}
    waiting = [born(name)]
    while waiting:
        state = waiting.pop(0)
        key = (
            state.status,
            bool(getattr(state, "replicas", ())),
            getattr(state, "previous", None) is not None,
        )
        if found.setdefault(key, state) is state:
            waiting += [AGGREGATES[name].evolve(state, fact(name, one)) for one in decided(state)]
    return list(found.values())


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
    assert {row.event for row in rows} <= set(AGGREGATES[name].events)
    assert [row.event for row in rows if not row.sources] == [AGGREGATES[name].created_by]


@pytest.mark.parametrize("name", TABLES)
def test_an_event_leads_where_the_table_says(name: Aggregate) -> None:
    aggregate, states = AGGREGATES[name], reached(name)
    for row in TABLES[name]:
        nearest = [next(one for one in states if one.status == status) for status in row.sources]
        for before in nearest or [None]:
            after = aggregate.evolve(before, fact(name, EXAMPLES[row.event.__name__][1]))
            assert after.status in row.targets


@pytest.mark.parametrize("name", TABLES)
def test_an_event_without_a_row_changes_no_status(name: Aggregate) -> None:
    one = AGGREGATES[name]
    for kind in set(one.events) - {row.event for row in TABLES[name]}:
        for before in reached(name):
            assert (
                one.evolve(before, fact(name, EXAMPLES[kind.__name__][1])).status == before.status
            )


@pytest.mark.parametrize("name", TABLES)
def test_decisions_take_every_way_that_the_table_allows_and_no_other(name: Aggregate) -> None:
    states = reached(name)
    assert {state.status for state in states} == set(STATUSES[name])
    in_table = {row.event for row in TABLES[name]}
    allowed = {(row.event, status) for row in TABLES[name] for status in row.sources}
    taken = {
        (type(event), state.status)
        for state in states
        for event in decided(state)
        if type(event) in in_table
    }
    assert taken == allowed


def test_a_state_from_a_log_of_another_age_is_read_all_the_same() -> None:
    """`evolve` refuses nothing: what is in the log has happened."""
    killed = msgspec.structs.replace(born("task"), status="killed")
    event = EXAMPLES["TaskPaused"][1]
    assert AGGREGATES["task"].evolve(killed, fact("task", event)).status == "paused"
