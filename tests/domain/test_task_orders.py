"""Which orders for a task are taken, and what is said about those that are not."""

from typing import Any

import msgspec
import pytest

from libs.domain import orchestration as orchestrations
from libs.domain import task as tasks
from libs.domain.events import (
    Event,
    OrchestrationFailed,
    OrchestrationReady,
    OrchestrationUploaded,
    TaskCreated,
)
from libs.domain.ids import orchestration_stream
from libs.domain.orchestration import Orchestration
from libs.domain.schedule import MAX_MISFIRE_CAP
from libs.domain.values import Retry, Schedule
from tests.domain.decider import ORCHESTRATION, START, Decider

UPLOADED = OrchestrationUploaded(
    file_name="a.zip", file_size=1, sha="0" * 64, blob="archives/a", entrypoint="main.py"
)
ONCE = TaskCreated(kind="once", orchestration=ORCHESTRATION)


def given(*events: Event) -> Decider[Orchestration]:
    stream = orchestration_stream(1, ORCHESTRATION)
    return Decider(orchestrations.evolve, stream, [UPLOADED, *events])


def create(order: TaskCreated) -> Any:
    def decide(orchestration: Orchestration) -> list[TaskCreated]:
        return tasks.create(order, orchestration, START)

    return decide


def order(**fields: object) -> TaskCreated:
    return msgspec.structs.replace(ONCE, **fields)


def scheduled(expression: str = "* * * * *", **fields: Any) -> TaskCreated:
    return order(kind="scheduled", schedule=Schedule(expression=expression, **fields))


@pytest.mark.parametrize(
    "good",
    [
        ONCE,
        order(name="n" * tasks.MAX_NAME),
        order(timeout=1),
        order(timeout=tasks.MAX_TIMEOUT),
        order(retry=Retry(attempts=tasks.MAX_ATTEMPTS, backoff=0)),
        scheduled(),
        scheduled(zone="Australia/Lord_Howe"),
        scheduled(misfire_cap=MAX_MISFIRE_CAP),
        scheduled("0 0 12 1-15 2 2028"),
    ],
)
def test_a_good_order_is_taken_as_it_is(good: TaskCreated) -> None:
    given().decides(create(good), good)
    given(OrchestrationReady(environment="e", lock_digest="d")).decides(create(good), good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (order(name=""), ("name", "give 1 to")),
        (order(name="n" * (tasks.MAX_NAME + 1)), ("name", str(tasks.MAX_NAME))),
        (order(timeout=0), ("timeout", "leave it out")),
        (order(timeout=-1), ("timeout", "give 1 to")),
        (order(timeout=tasks.MAX_TIMEOUT + 1), ("timeout", str(tasks.MAX_TIMEOUT))),
        (order(retry=Retry(attempts=0)), ("retry", "attempts")),
        (order(retry=Retry(attempts=10**9)), ("retry", "attempts")),
        (order(retry=Retry(backoff=-0.5)), ("retry", "backoff")),
        (order(retry=Retry(backoff=float("inf"))), ("retry", "backoff")),
        (order(retry=Retry(backoff=float("nan"))), ("retry", "backoff")),
        (scheduled("every day"), ("schedule", "give five cron fields")),
        (scheduled("0 0 12 1-15 2 2024"), ("schedule", "never fires again")),
        (scheduled("0 0 29 2 * 2026"), ("schedule",)),
        (scheduled(misfire_cap=0), ("misfire_cap", "give 1 to")),
        (scheduled(misfire_cap=MAX_MISFIRE_CAP + 1), ("misfire_cap", str(MAX_MISFIRE_CAP))),
        (scheduled(zone="Mars/Olympus"), ("zone", "Europe/Berlin")),
        (scheduled(zone=""), ("zone", "Europe/Berlin")),
        (scheduled(zone="../../etc/passwd"), ("zone", "Europe/Berlin")),
        (scheduled(zone="Europe"), ("zone", "Europe/Berlin")),
        (scheduled(zone="Europe/Berlin\0"), ("zone", "Europe/Berlin")),
        (scheduled(zone="z" * 5000), ("zone", "Europe/Berlin")),
    ],
)
def test_a_bad_order_is_refused_by_field_and_remedy(
    bad: TaskCreated, words: tuple[str, ...]
) -> None:
    given().refuses(create(bad), "invalid", *words)


def test_what_could_not_be_packaged_can_not_be_run() -> None:
    failed = given(OrchestrationFailed(reason="no such package: nunpy"))
    failed.refuses(create(ONCE), "invalid", "orch_id", "nunpy")
