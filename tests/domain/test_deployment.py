"""A deployment is requested as often as somebody likes; its replicas come and go one by one."""

from typing import Any, cast
from uuid import UUID

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from libs.domain import deployment as deployments
from libs.domain.deployment import MAX_REPLICAS, Deployment
from libs.domain.errors import Rejected
from libs.domain.events import (
    DeploymentEvent,
    DeploymentFailed,
    DeploymentRequested,
    DeploymentUndeployed,
    Event,
    ReplicaStarted,
    ReplicaStopped,
    TaskStarted,
)
from libs.domain.ids import deployment_stream
from libs.domain.values import ReplicaLimits, Scaling
from tests.domain.decider import ID, Decider, facts
from tests.golden.inference_examples import INFERENCE_EXAMPLES
from tests.power import drawn

STREAM = deployment_stream(1, ID)
REQUESTED = cast(DeploymentRequested, INFERENCE_EXAMPLES["DeploymentRequested"][1])
FAILED = DeploymentFailed(reason="no memory")
UNDEPLOYED = DeploymentUndeployed()
ONE, TWO = UUID(int=1), UUID(int=2)


def started(replica: UUID = ONE, generation: int = 1) -> ReplicaStarted:
    return ReplicaStarted(replica=replica, generation=generation, seconds=0.2)


def stopped(reason: Any = "crashed", replica: UUID = ONE, detail: str = "") -> ReplicaStopped:
    return ReplicaStopped(replica=replica, reason=reason, detail=detail)


def given(*events: Event) -> Decider[Deployment]:
    return Decider(deployments.evolve, STREAM, [REQUESTED, *events])


def starts(replica: UUID, generation: int) -> Any:
    return lambda state: deployments.replica_started(state, replica, generation, 0.2)


def test_it_runs_once_a_replica_answers() -> None:
    assert given().state.status == "starting"
    running = given().decides_once(starts(ONE, 1), started())
    assert running.state.status == "running"
    assert [replica.id for replica in running.state.replicas] == [ONE]


def test_a_new_request_keeps_the_number_and_the_replicas_and_starts_anew() -> None:
    state = given(started(), REQUESTED).state
    assert (state.number, state.generation, state.status) == (1, 2, "starting")
    assert [(replica.id, replica.generation) for replica in state.replicas] == [(ONE, 1)]


def test_replicas_are_replaced_one_by_one() -> None:
    both = given(started(), REQUESTED).decides(starts(TWO, 2), started(TWO, 2))
    assert both.state.status == "running"
    left = both.decides(
        lambda state: deployments.replica_stopped(state, stopped("replaced")), stopped("replaced")
    )
    assert (left.state.status, [one.id for one in left.state.replicas]) == ("running", [TWO])


def test_a_replica_of_an_earlier_request_that_never_ran_is_not_counted() -> None:
    given(REQUESTED).decides(starts(ONE, 1))
    assert given(REQUESTED, started()).state.status == "starting"


def served(state: Deployment) -> tuple[int, list[int]]:
    """The generation that answers, and those that are to have replicas."""
    return state.serving.generation, [one.generation for one in state.desired]


def test_the_revision_that_runs_serves_until_a_replica_of_the_next_has_started() -> None:
    assert served(given(started()).state) == (1, [1])
    assert served(given(started(), REQUESTED).state) == (1, [2, 1])
    assert served(given(started(), REQUESTED, started(TWO, 2)).state) == (2, [2])


def test_a_redeploy_that_fails_leaves_the_revision_that_ran_serving() -> None:
    failed = given(started(), REQUESTED, FAILED)
    assert (failed.state.status, served(failed.state)) == ("error", (1, [1]))
    back = failed.after(stopped(detail="SIGKILL")).decides(starts(TWO, 1), started(TWO, 1))
    assert (back.state.status, back.state.reason) == ("error", "no memory")
    assert [one.id for one in back.state.replicas] == [TWO]
    again = failed.after(REQUESTED, FAILED, REQUESTED)
    assert served(again.state) == (1, [4, 1])
    assert served(again.after(started(TWO, 4)).state) == (4, [4])


def test_nothing_serves_where_nothing_ever_ran_or_it_was_undeployed() -> None:
    assert served(given(FAILED).state) == (1, [])
    assert served(given(started(), REQUESTED, FAILED, UNDEPLOYED).state) == (2, [])
    assert served(given(started(), UNDEPLOYED, REQUESTED, FAILED).state) == (2, [])


def test_a_revision_that_has_run_does_not_fail_but_says_why_no_other_replica_starts() -> None:
    running = given(started())
    running.decides(lambda state: deployments.failed(state, 1, "no memory"))
    said = running.decides_once(
        lambda state: deployments.replica_failed(state, TWO, 1, "no memory"),
        stopped("start_failed", TWO, "no memory"),
    )
    assert (said.state.status, said.state.reason) == ("running", "no memory")
    alone = said.after(stopped(detail="SIGKILL"), stopped("start_failed", TWO, "no memory"))
    assert (alone.state.status, alone.state.reason) == ("starting", "no memory")
    given().decides(lambda state: deployments.replica_failed(state, TWO, 1, "no memory"))


@pytest.mark.parametrize("end", [FAILED, UNDEPLOYED])
def test_a_replica_that_comes_too_late_is_not_counted(end: DeploymentEvent) -> None:
    given(end).decides(starts(ONE, 1))


@pytest.mark.parametrize("reason", ["crashed", "out_of_memory", "start_failed", "service_stopped"])
def test_without_its_last_replica_it_starts_again_and_says_why(reason: str) -> None:
    state = given(started(), stopped(reason, detail="more than 1 GiB")).state
    assert (state.status, state.reason) == ("starting", "more than 1 GiB")
    assert given(started(), stopped(reason)).state.reason == reason


@pytest.mark.parametrize("reason", ["idle", "scaled_down", "replaced"])
def test_a_replica_that_is_not_needed_is_not_missed(reason: str) -> None:
    state = given(started(), stopped(reason)).state
    assert (state.status, state.replicas, state.reason) == ("running", [], "")


def test_one_of_two_that_crashes_leaves_it_running() -> None:
    assert given(started(), started(TWO), stopped()).state.status == "running"


def test_the_end_of_a_replica_is_told_once() -> None:
    given(started()).decides_once(
        lambda state: deployments.replica_stopped(state, stopped()), stopped()
    )


def test_a_failure_is_told_once_and_only_of_the_last_request() -> None:
    failed = given().decides_once(lambda state: deployments.failed(state, 1, "no memory"), FAILED)
    assert (failed.state.status, failed.state.reason) == ("error", "no memory")
    assert failed.state.deployed
    given(REQUESTED).decides(lambda state: deployments.failed(state, 1, "no memory"))


@pytest.mark.parametrize("before", [[], [started()], [FAILED], [started(), REQUESTED, FAILED]])
def test_it_is_undeployed_once_whatever_it_was(before: list[Event]) -> None:
    gone = given(*before).decides_once(deployments.undeploy, UNDEPLOYED)
    assert not gone.state.deployed
    assert gone.state.reason == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": []}, "add a model step first"),
        ({"scaling": Scaling(least=2, most=1)}, "the smaller number comes first"),
        ({"scaling": Scaling(least=-1, most=1)}, "-1 to 1 replicas"),
        ({"scaling": Scaling(least=0, most=0)}, "the larger is 1 to 64"),
        ({"scaling": Scaling(least=1, most=MAX_REPLICAS + 1)}, "1 to 65 replicas"),
        ({"limits": ReplicaLimits(cpus=0)}, "engine_config.engine.cpu: give more than 0"),
    ],
)
def test_what_could_never_be_served_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Rejected) as refused:
        deployments.request(msgspec.structs.replace(REQUESTED, **changes))
    assert refused.value.code == "invalid"
    assert words in refused.value.message


def test_what_can_be_served_is_requested_also_if_it_is_served_already() -> None:
    assert deployments.request(REQUESTED) == [REQUESTED]
    none_at_first = msgspec.structs.replace(REQUESTED, scaling=Scaling(least=0, most=MAX_REPLICAS))
    assert deployments.request(none_at_first) == [none_at_first]


def test_a_broken_log_is_no_deployment() -> None:
    with pytest.raises(ValueError, match="TaskStarted is no event of a deployment"):
        given().after(TaskStarted()).state  # noqa: B018


REPLICAS = st.sampled_from([UUID(int=number) for number in range(4)])
ENDS = st.sampled_from(["replaced", "scaled_down", "idle", "undeployed", "crashed"])


class Life(RuleBasedStateMachine):
    """Any number of users and gateways, each of which may have seen an older state."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []

    @property
    def state(self) -> Deployment:
        return Decider(deployments.evolve, STREAM, self.events).state

    @initialize()
    def begin(self) -> None:
        self.events += deployments.request(REQUESTED)

    @rule()
    def request(self) -> None:
        self.events += deployments.request(REQUESTED)

    @rule(replica=REPLICAS, behind=st.integers(0, 1))
    def start(self, replica: UUID, behind: int) -> None:
        generation = self.state.generation - behind
        self.events += deployments.replica_started(self.state, replica, generation, 0.1)

    @rule(replica=REPLICAS, reason=ENDS)
    def stop(self, replica: UUID, reason: Any) -> None:
        self.events += deployments.replica_stopped(self.state, stopped(reason, replica))

    @rule(behind=st.integers(0, 1))
    def fail(self, behind: int) -> None:
        self.events += deployments.failed(self.state, self.state.generation - behind, "broken")

    @rule()
    def undeploy(self) -> None:
        self.events += deployments.undeploy(self.state)

    @invariant()
    def each_replica_is_counted_once(self) -> None:
        if self.events:
            ids = [replica.id for replica in self.state.replicas]
            assert len(ids) == len(set(ids))

    @invariant()
    def what_is_gone_serves_nothing_until_it_is_requested(self) -> None:
        kinds = [type(fact.event) for fact in facts(STREAM, self.events)]
        if self.events and not self.state.deployed:
            after = kinds[len(kinds) - kinds[::-1].index(DeploymentUndeployed) :]
            assert set(after) <= {ReplicaStopped}


TestLife = Life.TestCase
TestLife.settings = drawn(50, stateful_step_count=20)
