from pathlib import Path
from typing import Any

import orjson
import pytest

from services.inference.engine.engine import MAX_ROWS, Engine
from services.inference.engine.errors import Refused
from tests.inference import models
from tests.inference.engine.served import AS_THE_SDK, answer, engine, request


@pytest.fixture
def linear(tmp_path: Path) -> Engine:
    """0.1 + a + 2b + 3c"""
    return engine([models.linear(tmp_path / "linear")])


@pytest.fixture
def tensor(tmp_path: Path) -> Engine:
    """The same, configured for the column `tensor`."""
    return engine([models.linear(tmp_path / "linear")], tensor_fields=["tensor"])


def test_a_record_is_answered_flat_in_the_order_of_the_sdk(tensor: Engine) -> None:
    body = [{"tensor": [1, 2.5, 3], "index": 7}]

    assert tensor.infer(request(body, **AS_THE_SDK)).body == (
        b'[{"time":1700000000000,"in.tensor":[1,2.5,3],"in.index":7,"out.variable":[15.1],'
        b'"anomaly.count":0}]'
    )


def test_numbers_are_the_shortest_text_of_float32_and_inputs_as_they_came(linear: Engine) -> None:
    body = b'[{"tensor":[0.1,0.2,0.4170220047]}]'

    answered = linear.infer(request(body, **AS_THE_SDK)).body

    assert b'"in.tensor":[0.1,0.2,0.4170220047]' in answered
    assert b'"out.variable":[1.851066]' in answered


def test_without_a_separator_the_answer_is_nested_and_has_metadata(linear: Engine) -> None:
    [row] = answer(linear, [{"tensor": [1, 0, 0]}])

    elapsed = row["metadata"].pop("elapsed")
    assert len(elapsed) == 2
    assert row == {
        "time": 1700000000000,
        "in": {"tensor": [1, 0, 0]},
        "out": {"variable": [1.1]},
        "anomaly": {"count": 0},
        "metadata": {
            "last_model": '{"model_name":"linear","model_sha":"sha-of-linear"}',
            "pipeline_version": "v1",
            "dropped": [],
            "partition": "engine-1",
        },
    }


@pytest.mark.parametrize(
    ("dataset", "exclude", "columns"),
    [
        (["*"], ["metadata"], ["time", "in.tensor", "in.other", "out.variable", "anomaly.count"]),
        (["time", "out"], [], ["time", "out.variable"]),
        (["out.variable"], [], ["out.variable"]),
        (["*"], ["metadata", "in.tensor", "anomaly"], ["time", "in.other", "out.variable"]),
        (["metadata.last_model"], [], ["metadata.last_model"]),
        (["o"], [], []),
    ],
)
def test_columns_are_selected_by_names_with_dots(
    tensor: Engine, dataset: list[str], exclude: list[str], columns: list[str]
) -> None:
    body = [{"tensor": [1, 2, 3], "other": "x"}]
    selection: dict[str, Any] = {"dataset": dataset, "exclude": exclude, "separator": "."}

    [row] = answer(tensor, body, **selection) or [{}]

    assert list(row) == columns


def test_columns_in_the_format_wallaroo_are_rows(linear: Engine) -> None:
    body = {"tensor": [[1, 0, 0], [0, 1, 0]]}

    rows = answer(linear, body, content_type="application/json; format=wallaroo")

    assert [row["out"] for row in rows] == [{"variable": [1.1]}, {"variable": [2.1]}]
    assert [row["in"] for row in rows] == [{"tensor": [1, 0, 0]}, {"tensor": [0, 1, 0]}]


def test_no_rows_are_no_answers(linear: Engine) -> None:
    assert answer(linear, [], **AS_THE_SDK) == []


def test_null_is_no_number_for_floats(linear: Engine) -> None:
    [row] = answer(linear, [{"tensor": [1, None, 3]}], **AS_THE_SDK)

    assert row["out.variable"] == [None]
    assert row["in.tensor"] == [1, None, 3]


def test_the_record_has_the_request_as_it_came_and_the_outputs(linear: Engine) -> None:
    body = b'[ {"tensor": [1, 0, 0]}, {"tensor": [0, 1, 0]} ]'

    record = linear.infer(request(body, **AS_THE_SDK)).record

    assert record.rows == 2
    assert record.inputs == body
    assert orjson.loads(record.outputs) == {
        "out.variable": [[1.1], [2.1]],
        "anomaly.count": [0, 0],
    }
    assert record.types == {"out.variable": "float", "anomaly.count": "uint32"}
    assert record.last_model == '{"model_name":"linear","model_sha":"sha-of-linear"}'


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is no JSON"),
        (b'[{"tensor": [1, 2', "the body is no JSON"),
        (b"[" * 5000, "the body is no JSON"),
        (b"7", "list of records"),
        ([{"tensor": [1, 2]}], "'tensor': rows of shape .2., but input 'float_input' takes .3."),
        ([{"tensor": [[1, 2], [3]]}], "'tensor': its rows have different lengths"),
        ([{"tensor": [1, 2, 3]}, {"tensor": [1, 2]}], "'tensor': its rows have different lengths"),
        ([{"tensor": [1, 2, 3]}, {"tensor": None}], "'tensor': its rows have different lengths"),
        ([{"tensor": ["1", "2", "3"]}], "'tensor': text, but the model takes float"),
        ([{"tensor": [1, {}, None]}], "'tensor': dict where numbers are needed"),
        ([{"tensor": [1, 2, 3]}, {}], "'tensor' is missing in row 1"),
        ([{"a": [1, 2, 3], "b": 1}], "'linear' takes 'float_input', but the columns are 'a', 'b'"),
        ({"tensor": [[1, 2, 3]], "b": []}, "each column as a list, and all of one length"),
        ([{"tensor": [1, 2, 3], "b": 0}], "name them so, or configure the model"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_column_and_the_remedy(
    linear: Engine, body: Any, words: str
) -> None:
    with pytest.raises(Refused, match=words) as refused:
        linear.infer(request(body))

    assert refused.value.status == 400


def test_too_many_rows_are_refused_by_their_number(linear: Engine) -> None:
    body = b"[" + b"{}," * MAX_ROWS + b"{}]"

    with pytest.raises(Refused, match=f"{MAX_ROWS + 1} rows") as refused:
        linear.infer(request(body))

    assert refused.value.status == 413


def test_another_content_type_is_refused_by_name(linear: Engine) -> None:
    with pytest.raises(Refused, match="'text/csv'") as refused:
        linear.infer(request(b"1,2,3", content_type="text/csv"))

    assert refused.value.status == 415


def test_inputs_too_deep_to_be_echoed_are_refused(linear: Engine) -> None:
    deep = b"[" * 500 + b"]" * 500

    with pytest.raises(Refused, match="can't be echoed"):
        linear.infer(request(b'[{"float_input":[1,2,3],"deep":' + deep + b"}]"))
