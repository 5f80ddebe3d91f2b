"""What must not change an answer: the format, the neighbours of a row, the place of a buffer."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from services.inference.engine.engine import Engine
from services.inference.engine.onnx_session import OnnxSession
from tests.inference import models
from tests.inference.engine.served import AS_THE_SDK, engine, request
from tests.inference.engine.test_arrow import file, table

FLOATS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 60), st.just(18)),
    elements=st.floats(0, 1, width=32),
)


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return engine([models.trees(tmp_path_factory.mktemp("models") / "forest")])


def test_few_rows_of_trees_have_the_digits_of_the_session_for_many(tmp_path: Path) -> None:
    path = models.trees(tmp_path / "forest")
    plain, served = OnnxSession(path, 4), OnnxSession(path, 4, trees=True)
    for count in (1, 2, 50, 51):
        feeds = {"float_input": np.random.default_rng(count).random((count, 18), np.float32)}
        np.testing.assert_array_equal(plain.run(feeds, None)[0], served.run(feeds, None)[0])


def by_json(served: Engine, rows: np.ndarray[Any, Any]) -> list[np.float32]:
    """The answers, as float32 reads their text."""
    body = orjson.dumps([{"tensor": row} for row in rows], option=orjson.OPT_SERIALIZE_NUMPY)
    answered = orjson.loads(served.infer(request(body, **AS_THE_SDK)).body)
    return [np.float32(row["out.variable"][0]) for row in answered]


def by_arrow(served: Engine, tensor: pa.Array) -> list[np.float32]:
    answered = table(served, file(pa.record_batch([tensor], ["tensor"])))
    return [np.float32(row[0]) for row in answered["out.variable"].to_pylist()]


def lists(rows: np.ndarray[Any, Any]) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])


@settings(deadline=None, max_examples=50)  # models, on a busy machine
@given(rows=FLOATS)
def test_json_and_arrow_are_answered_alike(forest: Engine, rows: np.ndarray[Any, Any]) -> None:
    assert by_json(forest, rows) == by_arrow(forest, lists(rows))


@settings(deadline=None, max_examples=50)  # models, on a busy machine
@given(rows=FLOATS, cut=st.integers(0, 59))
def test_a_slice_is_answered_like_a_copy(
    forest: Engine, rows: np.ndarray[Any, Any], cut: int
) -> None:
    cut = min(cut, len(rows) - 1)

    sliced = by_arrow(forest, lists(rows).slice(cut))

    assert sliced == by_arrow(forest, lists(rows[cut:].copy()))


def test_a_row_of_trees_does_not_depend_on_up_to_50_neighbours(forest: Engine) -> None:
    rows = np.random.default_rng(5).random((50, 18), np.float32)

    alone = [by_json(forest, rows[at : at + 1])[0] for at in range(50)]

    assert by_json(forest, rows) == alone


def test_more_than_50_rows_of_trees_do_not_depend_on_their_number(forest: Engine) -> None:
    """But differ from those alone: sums are grouped by thread then, and four of them everywhere."""
    rows = np.random.default_rng(5).random((400, 18), np.float32)

    many = by_json(forest, rows)

    assert by_json(forest, rows[:51]) == many[:51]
    assert by_json(forest, rows[:50]) != many[:50]


def test_the_digits_of_a_forest_are_those_that_were_recorded(forest: Engine) -> None:
    """Made with onnxruntime 1.32.0. If an upgrade changes them, its line of 51 rows may have moved,
    which model.py and the batches of several requests keep to."""
    rows = np.random.default_rng(5).random((60, 18), np.float32)

    few, many = by_json(forest, rows[:3]), by_json(forest, rows)[:3]

    assert [str(each) for each in few] == ["502231.4", "496592.47", "505055.53"]
    assert [str(each) for each in many] == ["502231.4", "496592.56", "505055.56"]
