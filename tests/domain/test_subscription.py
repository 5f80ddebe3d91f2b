"""A subscription says what it wants, is paused and resumed, and is gone once it is deleted."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from libs.domain import subscription
from libs.domain.errors import Rejected
from libs.domain.events import (
    Event,
    RunFinished,
    RunStarted,
    SubscriptionCreated,
    SubscriptionDeleted,
    SubscriptionPaused,
    SubscriptionResumed,
    TaskPaused,
    TaskStarted,
)
from libs.domain.history import Fact
from libs.domain.ids import StreamId, run_stream, subscription_stream, task_stream
from tests.domain.decider import ID, Decider

CREATED: dict[str, Any] = {
    "workspace": 5,
    "kind": "webhook",
    "name": "pager",
    "target": "sealed",
    "after": 7,
}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RUN = "7f9c1f52-9b52-4d0e-8f43-0d7e7f5d2b11"


def order(**more: Any) -> SubscriptionCreated:
    return SubscriptionCreated(**CREATED | more)


def made(**more: Any) -> Decider[subscription.Subscription]:
    return Decider(subscription.evolve, subscription_stream(ID), [order(**more)])


@pytest.mark.parametrize(
    ("given", "subjects"),
    [
        ({}, ["event.5.>"]),
        ({"aggregate": "task"}, ["event.5.task.*"]),
        ({"aggregate": f"run:{RUN}"}, [f"event.5.run.{RUN}"]),
        ({"types": ["RunFinished", "TaskKilled"]}, ["event.5.run.*", "event.5.task.*"]),
        ({"types": ["RunFinished"], "aggregate": f"run:{RUN}"}, [f"event.5.run.{RUN}"]),
    ],
)
def test_where_its_events_lie(given: dict[str, Any], subjects: list[str]) -> None:
    assert subscription.create(order(**given)) == [order(**given)]
    assert made(**given).state.filter.subjects == subjects


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, ["ended", "begun", "of another run", "paused"]),
        ({"types": ["RunFinished"]}, ["ended", "of another run"]),
        ({"aggregate": "task"}, ["paused"]),
        ({"aggregate": f"run:{RUN}"}, ["ended", "begun"]),
        ({"aggregate": f"run:{RUN}", "types": ["RunFinished"]}, ["ended"]),
    ],
)
def test_it_wants_its_types_and_aggregate_of_its_workspace_only(
    given: dict[str, Any], wanted: list[str]
) -> None:
    ended = RunFinished(status="success", reason="exited")
    events: dict[str, tuple[StreamId, Event]] = {
        "ended": (run_stream(5, UUID(RUN)), ended),
        "begun": (run_stream(5, UUID(RUN)), RunStarted(executor="e")),
        "of another run": (run_stream(5, UUID(int=1)), ended),
        "paused": (task_stream(5, ID), TaskPaused()),
        "of another workspace": (run_stream(6, UUID(RUN)), ended),
    }
    filter = made(**given).state.filter
    assert [
        name
        for name, (stream, event) in events.items()
        if filter.wants(Fact(stream=stream, event=event, at=NOON, actor="test"))
    ] == wanted


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": " "}, "name: give 1 to 128"),
        ({"name": "a\nb"}, "no control characters"),
        ({"types": ["RunEnded"]}, "types: 'RunEnded' is no event"),
        ({"types": ["ConnectionCreated"]}, "is no event of a workspace"),
        ({"types": ["RunFinished"], "aggregate": "task"}, "types: RunFinished is about no task"),
        ({"types": ["RunFinished"], "kind": "nats"}, "give an aggregate instead"),
        ({"aggregate": "connection"}, "aggregate: give one of"),
        ({"aggregate": ">"}, "aggregate: give one of"),
        ({"aggregate": "task:"}, "behind the ':'"),
        ({"aggregate": "task:*"}, "behind the ':'"),
        ({"aggregate": f"task:{RUN.upper()}"}, "behind the ':'"),
        ({"aggregate": "task:a.b"}, "behind the ':'"),
        ({"aggregate": "workspace:>"}, "behind the ':'"),
    ],
)
def test_what_is_refused_says_the_field_and_the_remedy(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Rejected) as caught:
        subscription.create(order(**given))
    assert caught.value.code == "invalid"
    assert words in caught.value.message


def test_it_is_paused_and_resumed() -> None:
    paused = made().decides_once(subscription.pause, SubscriptionPaused())
    assert paused.state.paused
    assert not paused.decides_once(subscription.resume, SubscriptionResumed()).state.paused


def test_of_a_deleted_one_the_target_is_gone() -> None:
    gone = made().decides_once(
        lambda it: subscription.delete(it, "left"), SubscriptionDeleted(reason="left")
    )
    assert (gone.state.target, gone.state.reason, gone.state.deleted) == ("", "left", True)
    gone.refuses(subscription.pause, "not_found", "is deleted")
    gone.refuses(subscription.resume, "not_found", "create it again")


def test_it_lies_in_no_workspace() -> None:
    assert subscription_stream(UUID(RUN)).subject == f"event.0.subscription.{RUN}"


def test_a_broken_log_is_no_subscription() -> None:
    with pytest.raises(ValueError, match="TaskStarted is no event of a subscription"):
        made().after(TaskStarted()).state  # noqa: B018
