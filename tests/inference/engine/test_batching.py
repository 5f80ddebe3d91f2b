"""A model that says how often it ran shows who was run with whom."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.domain.values import Batching
from services.inference.engine.batch_plan import MAX_TREE_ROWS, OpenBatches
from services.inference.engine.errors import Cancelled, Refused
from services.inference.engine.model import Model
from services.inference.engine.onnx_session import OnnxSession
from services.inference.engine.request import Cancel
from services.inference.engine.tensors import Array
from tests.inference import models
from tests.inference.engine.served import deployed
from tests.inference.engine.test_models import SLOW

LONG = 10_000  # ms: whoever waits so long fails the test by its time


class Counted(OnnxSession):
    """Remembers the rows of each run."""

    def __init__(self, path: Path, threads: int) -> None:
        super().__init__(path, threads)
        self.runs: list[int] = []

    def run(self, feeds: Mapping[str, Array], cancel: Cancel | None) -> list[Any]:
        self.runs.append(len(next(iter(feeds.values()))))
        return super().run(feeds, cancel)


def model(path: Path, **batching: Any) -> tuple[Model, Counted]:
    """With batches of its requests."""
    config = deployed(path, batching=Batching(**batching))
    session = Counted(path, config.threads)
    return Model(config, session), session


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What they give, each in a thread of its own."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result() for each in [pool.submit(call) for call in calls]]


def numbers(first: float, rows: int = 1) -> dict[str, Array]:
    """Rows of that number and those after it."""
    return {"input": np.array([[first + at, 0.0] for at in range(rows)], np.float32)}


def test_requests_that_fill_a_batch_are_run_as_one(tmp_path: Path) -> None:
    batched, session = model(
        models.identity(tmp_path / "m", models.FLOAT), max_batch_delay_ms=LONG, batch_size_target=4
    )

    tables = at_once([partial(batched.run, numbers(n), 1) for n in range(4)])

    assert session.runs == [4]
    assert [table["output"].tolist() for table in tables] == [[[n, 0.0]] for n in range(4)]


def test_a_request_that_nobody_joins_is_run_after_the_delay(tmp_path: Path) -> None:
    batched, session = model(
        models.identity(tmp_path / "m", models.FLOAT), max_batch_delay_ms=1, batch_size_target=4
    )

    assert batched.run(numbers(7), 1)["output"].tolist() == [[7.0, 0.0]]
    assert session.runs == [1]


def test_a_request_as_large_as_a_batch_waits_for_nobody(tmp_path: Path) -> None:
    batched, session = model(
        models.identity(tmp_path / "m", models.FLOAT), max_batch_delay_ms=LONG, batch_size_target=4
    )

    assert len(batched.run(numbers(0, rows=9), 9)["output"]) == 9
    assert session.runs == [9]


def test_a_request_above_the_limit_is_refused(tmp_path: Path) -> None:
    batched, _ = model(
        models.identity(tmp_path / "m", models.FLOAT), batch_size_target=4, batch_size_limit=8
    )

    with pytest.raises(Refused, match=r"9 rows .* configured for 8"):
        batched.run(numbers(0, rows=9), 9)


def test_what_one_request_is_refused_for_is_no_other_s_fault(tmp_path: Path) -> None:
    batched, session = model(
        models.text_to_number(tmp_path / "m"), max_batch_delay_ms=LONG, batch_size_target=2
    )

    def of(text: str) -> float | str:
        try:
            answered = batched.run({"text": np.array([[text]], np.object_)}, 1)
        except Refused:
            return "refused"
        return float(answered["number"][0, 0])

    assert at_once([lambda: of("7"), lambda: of("seven")]) == [7.0, "refused"]
    assert sorted(session.runs) == [1, 1, 2]


def test_a_cancelled_request_is_not_run_with_the_others(tmp_path: Path) -> None:
    batched, session = model(
        models.identity(tmp_path / "m", models.FLOAT), max_batch_delay_ms=LONG, batch_size_target=3
    )
    cancel = Cancel()
    cancel.cancel()

    def gone() -> str:
        with pytest.raises(Cancelled):
            batched.run(numbers(9), 1, cancel)
        return "cancelled"

    def answered(number: float) -> Any:
        return batched.run(numbers(number), 1)["output"][0, 0]

    answers = at_once([gone, partial(answered, 1.0), partial(answered, 2.0)])

    assert answers == ["cancelled", 1.0, 2.0]
    assert 2 in session.runs


def test_a_batch_whose_callers_have_all_gone_ends(tmp_path: Path) -> None:
    path = models.slow(tmp_path / "m")
    config = deployed(
        path, probe=SLOW, batching=Batching(max_batch_delay_ms=LONG, batch_size_target=2)
    )
    session = Counted(path, 1)
    batched = Model(config, session)
    cancels = [Cancel(), Cancel()]

    def gone(cancel: Cancel) -> None:
        with pytest.raises(Cancelled):
            batched.run(numbers(1), 1, cancel)

    timers = [threading.Timer(0.05, each.cancel) for each in cancels]
    for each in timers:
        each.start()
    at_once([partial(gone, each) for each in cancels])

    assert session.runs[0] in (1, 2)


def test_models_whose_outputs_have_no_rows_are_never_batched(tmp_path: Path) -> None:
    batched, session = model(
        models.without_rows(tmp_path / "m"), max_batch_delay_ms=LONG, batch_size_target=2
    )

    assert batched.run(numbers(1), 1)["total"].tolist() == [[1.0]]
    assert session.runs == [1]


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 60), max_size=40), target=st.integers(1, 80))
def test_trees_are_never_batched_across_50_rows(sizes: list[int], target: int) -> None:
    plan: OpenBatches[int] = OpenBatches(Batching(batch_size_target=target), trees=True)
    batches = []
    for place, rows in enumerate(sizes):
        if plan.takes(rows):
            batches.append(plan.join("kind", rows, place)[0])

    assert all(each.rows <= min(target, MAX_TREE_ROWS) for each in batches)
    for each in batches:
        assert each.rows == sum(sizes[place] for place in each.members)


@settings(deadline=None)
@given(
    requests=st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 9)), max_size=60),
    target=st.integers(2, 10),
)
def test_every_request_is_in_one_batch_of_its_kind(
    requests: list[tuple[str, int]], target: int
) -> None:
    plan: OpenBatches[int] = OpenBatches(Batching(batch_size_target=target), trees=False)
    batches = {}
    firsts = 0
    taken = []
    for place, (kind, rows) in enumerate(requests):
        if plan.takes(rows):
            batch, first = plan.join(kind, rows, place)
            batches[id(batch)] = batch
            firsts += first
            taken.append(place)

    assert sorted(place for each in batches.values() for place in each.members) == taken
    assert firsts == len(batches)
    for each in batches.values():
        assert {requests[place][0] for place in each.members} == {each.kind}
