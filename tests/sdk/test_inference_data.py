"""Inputs to bytes and answers to results; pandas and pyarrow only for who has them."""

import datetime
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pyarrow as pa
import pytest
from rondo.errors import InferenceError
from rondo.http_messages import Answer
from rondo.inference_data import Columns, Rows, encode, encode_file, log_rows

from tests.sdk import SDK


def _sent(tensor: Any) -> Any:
    return json.loads(encode(tensor).body)


def test_rows_and_columns_are_sent_as_they_are() -> None:
    assert _sent([{"x": 0.1, "y": "ä"}]) == [{"x": 0.1, "y": "ä"}]
    assert _sent({"x": [1, 2]}) == {"x": [1, 2]}
    assert encode([]).headers["Content-Type"] == "application/json; format=pandas-records"


def test_not_a_number_is_null_and_infinity_is_refused() -> None:
    assert _sent([{"x": [1.0, float("nan")], "y": None}]) == [{"x": [1.0, None], "y": None}]
    with pytest.raises(ValueError, match="no infinity"):
        encode([{"x": float("inf")}])


def test_values_of_numpy_and_instants() -> None:
    row = {"x": np.array([0.5, 1.5], np.float32), "n": np.int64(3)}
    assert _sent([row, {"x": np.array([np.nan])}]) == [{"x": [0.5, 1.5], "n": 3}, {"x": [None]}]
    assert _sent([{"day": datetime.date(2026, 1, 2)}]) == [{"day": "2026-01-02"}]
    with pytest.raises(TypeError, match="type set"):
        encode([{"x": {1}}])


def test_a_table_goes_and_comes_as_an_arrow_file() -> None:
    table = pa.table({"x": [[1.0, 2.0], [3.0, 4.0]]})
    sent = encode(table)
    assert sent.headers["format"] == "arrow"
    assert sent.decode(sent.body).equals(table)
    assert encode(sent.body).decode(b"answer") == b"answer"


def test_kinds_that_can_not_be_sent() -> None:
    with pytest.raises(TypeError, match="list of records"):
        encode("text")


def test_files_by_their_names(tmp_path: Path) -> None:
    rows, other = tmp_path / "rows.JSON", tmp_path / "rows.csv"
    rows.write_text('[{"x": 0.20}]')
    assert encode_file(rows).body == b'[{"x": 0.20}]'
    other.touch()
    with pytest.raises(ValueError, match="neither"):
        encode_file(other)


def test_columns_are_chosen_alike_in_queries_and_in_logs() -> None:
    def pairs(columns: Columns) -> list[tuple[str, str]]:
        return parse_qsl(columns.query, strict_parsing=True)

    assert pairs(Columns.of(None, None, None)) == [
        ("dataset[]", "*"),
        ("dataset.exclude[]", "metadata"),
        ("dataset.separator", "."),
    ]
    some = Columns.of(["out", "metadata.last_model"], ["out.b"], "_")
    assert ("dataset.exclude[]", "metadata") not in pairs(some)
    page = [
        {"time": 1, "in": {"x": 2}, "out": {"a": [3], "b": [4]}, "metadata": {"last_model": ""}}
    ]
    assert list(log_rows(page, some)) == [{"out_a": [3], "metadata_last_model": ""}]
    all_but_metadata = list(log_rows(page, Columns.of(None, None, None)))
    assert all_but_metadata == [{"time": 1, "in.x": 2, "out.a": [3], "out.b": [4]}]


def test_rows_in_a_notebook() -> None:
    table = Rows([{"in.x": "<b>"}, {"out.y": 1.5}])._repr_html_()
    assert "<th>in.x</th><th>out.y</th>" in table
    assert "&lt;b&gt;" in table
    assert Rows()._repr_html_() == "(no rows)"


def test_an_error_of_an_engine_has_its_text() -> None:
    body = {"code": 400, "status": "Error", "error": "column 'x' is missing", "source": "engine"}
    error = Answer(400, {}, json.dumps(body).encode()).error()
    assert (error.message, error.code, error.status) == ("column 'x' is missing", "inference", 400)
    assert issubclass(InferenceError, type(error))


def test_json_needs_neither_pandas_nor_pyarrow() -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from rondo.inference_data import encode\n"
        "encode([{'x': [0.5]}]).decode(b'[]')\n"
        "print(sorted({'pandas', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )
    command = [sys.executable, "-I", "-S", "-c", script, str(SDK)]
    assert subprocess.check_output(command, text=True) == "[]\n"
