"""An orchestration is packaged once, whoever packages it and however often."""

import pytest

from libs.domain import orchestration as orchestrations
from libs.domain.events import (
    Event,
    OrchestrationEvent,
    OrchestrationFailed,
    OrchestrationPackagingStarted,
    OrchestrationReady,
    OrchestrationUploaded,
    TaskStarted,
)
from libs.domain.history import fold
from libs.domain.ids import orchestration_stream
from libs.domain.orchestration import Orchestration
from tests.domain.decider import ORCHESTRATION, Decider, facts

STREAM = orchestration_stream(1, ORCHESTRATION)
UPLOADED = OrchestrationUploaded(
    file_name="a.zip", file_size=9, sha="0" * 64, blob="archives/a", entrypoint="main.py"
)
STARTED = OrchestrationPackagingStarted()
READY = OrchestrationReady(environment="env-1", lock_digest="d", seconds={"build": 1.5})
FAILED = OrchestrationFailed(reason="no such package: nunpy")


def given(*events: Event) -> Decider[Orchestration]:
    return Decider(orchestrations.evolve, STREAM, [UPLOADED, *events])


def packaged(state: Orchestration) -> list[OrchestrationEvent]:
    return orchestrations.packaged(state, "env-1", "d", {"build": 1.5})


def failed(state: Orchestration) -> list[OrchestrationEvent]:
    return orchestrations.failed(state, "no such package: nunpy")


def test_packaging_starts_once() -> None:
    given().decides_once(orchestrations.start_packaging, STARTED)


@pytest.mark.parametrize("history", [(), (STARTED,)])
def test_packaging_ends_once_whichever_way(history: tuple[Event, ...]) -> None:
    given(*history).decides_once(packaged, READY).decides(failed)
    given(*history).decides_once(failed, FAILED).decides(packaged)


@pytest.mark.parametrize("end", [READY, FAILED])
def test_what_is_packaged_does_not_start_again(end: OrchestrationEvent) -> None:
    given(STARTED, end).decides(orchestrations.start_packaging)


def test_the_state_tells_where_it_stands() -> None:
    assert given().state.status == "pending_packaging"
    assert given(STARTED).state.status == "packaging"
    ready = given(STARTED, READY).state
    assert (ready.status, ready.environment, ready.owner) == ("ready", "env-1", "ann")
    error = given(STARTED, FAILED).state
    assert (error.status, error.reason) == ("error", "no such package: nunpy")


@pytest.mark.parametrize(
    ("events", "what"),
    [
        ([READY], "OrchestrationReady before the aggregate was created"),
        ([UPLOADED, TaskStarted()], "TaskStarted is no event of an orchestration"),
    ],
)
def test_a_log_that_can_not_be_is_broken(events: list[Event], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        fold(orchestrations.evolve, facts(STREAM, events))
