import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libs.domain.values import TensorSpec
from services.inference.engine.errors import BadModel, Cancelled, Refused
from services.inference.engine.onnx_session import MAX_RUN_ROWS
from services.inference.engine.probe import Probe
from services.inference.engine.request import Cancel
from tests.inference import models
from tests.inference.engine.served import AS_THE_SDK, answer, engine, request

# What a probe would say of the model that does not end.
SLOW = Probe(
    inputs=[TensorSpec(name="input", dtype="float", shape=[None, 2])],
    outputs=[TensorSpec(name="output", dtype="float", shape=[None, 2])],
    trees=False,
)


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        (models.FLOAT, [0.1, -3.5]),
        (models.DOUBLE, [0.1, 1e300]),
        (models.INT64, [9007199254740993, -1]),
        (models.BOOL, [True, False]),
        (models.STRING, ["house", ""]),
        (models.FLOAT16, [0.5, 2.0]),
    ],
)
def test_values_of_every_type_come_out_as_they_went_in(
    tmp_path: Path, dtype: int, values: list[Any]
) -> None:
    served = engine([models.identity(tmp_path / "m", dtype)])

    [row] = answer(served, [{"input": values}], **AS_THE_SDK)

    assert row["out.output"] == values


@pytest.mark.parametrize(
    ("dtype", "values", "words"),
    [
        (models.INT64, [1.5, 2], "no int64"),
        (models.INT64, [None, 2], "the model takes int64"),
        (models.INT64, [1 << 63, 2], "no int64"),
        (models.STRING, ["a", None], "send strings"),
        (models.STRING, [1, 2], "send strings"),
        (models.BOOL, [0, 1], "takes bool"),
        (models.FLOAT, ["a", 1], "takes float"),
    ],
)
def test_values_that_would_change_are_refused(
    tmp_path: Path, dtype: int, values: list[Any], words: str
) -> None:
    served = engine([models.identity(tmp_path / "m", dtype)])

    with pytest.raises(Refused, match=words):
        served.infer(request([{"input": values}]))


def test_inputs_are_found_by_name(tmp_path: Path) -> None:
    served = engine([models.multi_io(tmp_path / "m")])

    [row] = answer(served, [{"input_2": [1] * 5, "input_1": [1] * 10}], **AS_THE_SDK)

    assert len(row["out.output_1"]) == 3
    assert len(row["out.output_2"]) == 2


def test_tensor_fields_name_the_columns_in_the_order_of_the_inputs(tmp_path: Path) -> None:
    path = models.multi_io(tmp_path / "m")
    body = [{"five": [1] * 5, "ten": [1] * 10}]

    [row] = answer(engine([path], tensor_fields=["ten", "five"]), body, **AS_THE_SDK)

    [named] = answer(engine([path]), [{"input_1": [1] * 10, "input_2": [1] * 5}], **AS_THE_SDK)
    assert row["out.output_1"] == named["out.output_1"]
    with pytest.raises(Refused, match="'elf' is missing"):
        engine([path], tensor_fields=["ten", "elf"]).infer(request(body))


def test_a_flat_row_takes_the_shape_of_the_model(tmp_path: Path) -> None:
    served = engine([models.identity(tmp_path / "m", models.FLOAT, ["N", 2, 2])])

    rows = answer(served, [{"input": [1, 2, 3, 4]}, {"input": [5, 6, 7, 8]}], **AS_THE_SDK)

    assert [row["out.output"] for row in rows] == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]


def test_single_values_are_rows_of_one(tmp_path: Path) -> None:
    served = engine([models.identity(tmp_path / "m", models.INT64, ["N", 1])])

    assert [row["out.output"] for row in answer(served, [{"x": 3}, {"x": 4}], **AS_THE_SDK)] == [
        [3],
        [4],
    ]


def test_an_output_without_rows_is_the_same_for_each_row(tmp_path: Path) -> None:
    served = engine([models.without_rows(tmp_path / "m")])

    rows = answer(served, [{"input": [1, 2]}, {"input": [3, 4]}], **AS_THE_SDK)

    assert [row["out.total"] for row in rows] == [[10.0], [10.0]]


def test_a_model_of_one_row_answers_many_one_by_one(tmp_path: Path) -> None:
    served = engine([models.one_row(tmp_path / "m")])

    rows = answer(served, [{"input": [n, n]} for n in range(5)], **AS_THE_SDK)

    assert [row["out.output"] for row in rows] == [[n, n] for n in range(5)]


def test_a_classifier_with_maps_answers_labels_and_probabilities(tmp_path: Path) -> None:
    served = engine([models.zipmap(tmp_path / "m")])

    rows = answer(served, [{"x": [3, 0]}, {"x": [0, 3]}], **AS_THE_SDK)

    assert [row["out.output_label"] for row in rows] == [[0], [1]]
    assert [np.argmax(row["out.output_probability"]) for row in rows] == [0, 1]


def test_very_many_rows_are_run_in_parts_and_answered_in_order(tmp_path: Path) -> None:
    served = engine([models.identity(tmp_path / "m", models.INT64, ["N", 1])])
    count = 2 * MAX_RUN_ROWS + 1

    rows = answer(served, [{"x": n} for n in range(count)], dataset=["out"], separator=".")

    assert [row["out.output"] for row in rows] == [[n] for n in range(count)]


def test_a_model_that_fails_says_its_words(tmp_path: Path) -> None:
    served = engine([models.text_to_number(tmp_path / "m")])

    with pytest.raises(Refused, match="the model failed") as refused:
        served.infer(request([{"text": "no number"}]))

    assert refused.value.status in (400, 500)


def test_a_cancelled_inference_ends(tmp_path: Path) -> None:
    served = engine([models.slow(tmp_path / "m")], probe=SLOW)
    cancel = Cancel()
    timer = threading.Timer(0.05, cancel.cancel)
    timer.start()

    with pytest.raises(Cancelled):
        served.infer(request([{"input": [1, 2]}]), cancel)
    timer.join()


def test_an_inference_cancelled_before_it_began_does_not_run(tmp_path: Path) -> None:
    served = engine([models.slow(tmp_path / "m")], probe=SLOW)
    cancel = Cancel()
    cancel.cancel()

    with pytest.raises(Cancelled):
        served.infer(request([{"input": [1, 2]}]), cancel)


def test_warming_runs_every_model_and_minds_none_that_refuses(tmp_path: Path) -> None:
    served = engine([models.linear(tmp_path / "a"), models.text_to_number(tmp_path / "b")])

    served.warm()


def test_a_model_of_one_row_answers_none(tmp_path: Path) -> None:
    assert answer(engine([models.one_row(tmp_path / "m")]), []) == []


def test_fields_for_another_number_of_inputs_can_not_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="1 columns for 2 inputs"):
        engine([models.multi_io(tmp_path / "m")], tensor_fields=["tensor"])
