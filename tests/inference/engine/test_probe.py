from collections.abc import Callable
from pathlib import Path

import pytest

from libs.domain.values import TensorSpec
from services.inference.engine.errors import BadModel
from services.inference.engine.probe import probe
from tests.inference import models


def test_a_model_says_its_inputs_and_outputs(tmp_path: Path) -> None:
    found = probe(models.multi_io(tmp_path / "m"), "onnx")

    assert found.inputs == [
        TensorSpec(name="input_1", dtype="float", shape=[None, 10]),
        TensorSpec(name="input_2", dtype="float", shape=[None, 5]),
    ]
    assert found.outputs == [
        TensorSpec(name="output_1", dtype="float", shape=[None, 3]),
        TensorSpec(name="output_2", dtype="float", shape=[None, 2]),
    ]


def test_a_model_with_trees_is_known_as_one(tmp_path: Path) -> None:
    assert probe(models.trees(tmp_path / "trees"), "onnx").trees
    assert not probe(models.linear(tmp_path / "linear"), "onnx").trees


def test_an_output_without_rows_is_told_from_one_with_rows(tmp_path: Path) -> None:
    found = probe(models.without_rows(tmp_path / "m"), "onnx")

    assert {each.name: each.shape for each in found.outputs} == {"total": [], "twice": [None, 2]}


def test_maps_of_probabilities_are_a_row_of_numbers(tmp_path: Path) -> None:
    found = probe(models.zipmap(tmp_path / "m"), "onnx")

    assert found.outputs[1] == TensorSpec(name="output_probability", dtype="float", shape=[None, 3])


def test_a_model_that_does_not_take_zeros_is_taken_by_its_word(tmp_path: Path) -> None:
    found = probe(models.text_to_number(tmp_path / "m"), "onnx")

    assert found.outputs == [TensorSpec(name="number", dtype="float", shape=[None, 1])]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (models.unknown_operator, "operator Frobnicate of domain nobody is not known here"),
        (models.no_operator, "no operator Frobnicate in opset 17; export it"),
        (lambda path: models.of_opset(path, 60), r"opset 60 of ai.onnx, and \d+ is the newest"),
        (lambda path: models.of_opset(path, 3), r"as it was in opset \d; export it with a newer"),
        (
            lambda path: models.of_opset(path, 17, 40),
            r"IR version 40, .* set its ir_version to \d+",
        ),
        (models.of_mixed_types, "onnx.checker.check_model"),
        (lambda path: models.identity(path, models.BFLOAT16), r"tensor\(bfloat16\)"),
        (models.sequence, "seq"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(b"\x07random bytes" * 9), "no ONNX model"),
        (models.truncated, "only a part of one; export it again"),
        (models.weights_elsewhere, r"another file, weights.bin, .* onnx.save"),
    ],
)
def test_what_cannot_be_served_says_why(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    path = tmp_path / "m"
    make(path)

    with pytest.raises(BadModel, match=words) as refused:
        probe(path, "onnx")

    assert str(tmp_path) not in str(refused.value)


def test_a_framework_that_is_not_served_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="'keras'"):
        probe(models.linear(tmp_path / "m"), "keras")
