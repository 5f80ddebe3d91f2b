"""The checker finds nothing in a good life of a deployment, and names what is wrong with others."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest

from libs.domain import deployment
from libs.domain.events import (
    DeploymentFailed,
    DeploymentRequested,
    DeploymentUndeployed,
    Event,
    ReplicaStarted,
    ReplicaStopped,
)
from libs.domain.history import fold
from services.api.events.published_events import examples
from tests.history.check import check

[REQUESTED] = examples("DeploymentRequested")
ORDER = REQUESTED.event
assert isinstance(ORDER, DeploymentRequested)
A, B = UUID(int=1), UUID(int=2)
FIRST = ReplicaStarted(replica=A, generation=1)
NEXT = ReplicaStarted(replica=B, generation=2)
REPLACED = ReplicaStopped(replica=A, reason="replaced")
ENDED = ReplicaStopped(replica=B, reason="undeployed")
GOOD = (ORDER, FIRST, ORDER, NEXT, REPLACED, DeploymentUndeployed(), ENDED)


def found(events: Sequence[Event]) -> list[str]:
    facts = [
        msgspec.structs.replace(REQUESTED, seq=seq, id=f"id-{seq}", event=event)
        for seq, event in enumerate(events, start=1)
    ]
    return [one.what for one in check(facts)]


def test_a_good_life_is_good() -> None:
    assert found(GOOD) == []
    assert found(GOOD[:2]) == []
    assert found((ORDER, DeploymentFailed(reason="no such input"))) == []
    assert found((ORDER, FIRST, ReplicaStopped(replica=A, reason="idle"))) == []
    crashed, failed = ReplicaStopped(replica=A, reason="crashed"), DeploymentFailed(reason="no")
    again = ReplicaStarted(replica=B, generation=1)
    assert found((ORDER, FIRST, ORDER, crashed, again, failed)) == []
    assert found((ORDER, FIRST, ORDER, failed, crashed, again)) == []
    assert found((ORDER, FIRST, ReplicaStopped(replica=B, reason="start_failed"))) == []


def test_the_domain_reads_it_likewise() -> None:
    facts = [
        msgspec.structs.replace(REQUESTED, seq=seq, event=event)
        for seq, event in enumerate(GOOD, start=1)
    ]
    state = fold(deployment.evolve, facts)
    assert state is not None
    assert (state.status, state.generation, state.replicas) == ("undeployed", 2, [])


@pytest.mark.parametrize(
    ("events", "what"),
    [
        ((ORDER,), "nothing has come of DeploymentRequested"),
        ((ORDER, FIRST, FIRST), f"replica {A} started twice"),
        ((ORDER, NEXT), f"replica {B} of generation 2 is not wanted"),
        ((ORDER, FIRST, ORDER, REPLACED), "nothing has come of DeploymentRequested"),
        (
            (ORDER, FIRST, ReplicaStopped(replica=A, reason="start_failed")),
            f"replica {A} did not start, which had",
        ),
        ((ORDER, FIRST, ORDER, NEXT, FIRST), f"replica {A} of generation 1 is not wanted"),
        ((ORDER, FIRST, ENDED), f"replica {B} stopped, which does not run"),
        ((ORDER, FIRST, REPLACED, REPLACED), f"replica {A} stopped, which does not run"),
        (GOOD[:-1], "1 replicas run, though it is undeployed"),
        ((*GOOD, DeploymentUndeployed()), "DeploymentUndeployed after DeploymentUndeployed"),
        ((*GOOD, FIRST), f"replica {A} of generation 1 is not wanted"),
        ((DeploymentUndeployed(),), "DeploymentUndeployed after none"),
    ],
)
def test_a_spoilt_life_is_named(events: Sequence[Event], what: str) -> None:
    assert what in found(events)
