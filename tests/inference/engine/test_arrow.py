from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from services.inference.engine.engine import Engine
from services.inference.engine.errors import Refused
from services.inference.engine.request import ARROW
from tests.inference import models
from tests.inference.engine.served import AS_THE_SDK, deployed, engine, request, run_step

ROWS = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.25, 0.125]]


def file(*batches: pa.RecordBatch) -> bytes:
    """An IPC file of them."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def batch(**columns: Any) -> pa.RecordBatch:
    """Of arrays, by name."""
    return pa.record_batch([pa.array(each) for each in columns.values()], list(columns))


def table(served: Engine, body: bytes, **fields: Any) -> pa.Table:
    """What the client would read."""
    answered = served.infer(request(body, content_type=ARROW, **{**AS_THE_SDK, **fields}))
    assert answered.content_type == ARROW
    return pa.ipc.open_file(answered.body).read_all()


@pytest.fixture
def linear(tmp_path: Path) -> Engine:
    """0.1 + a + 2b + 3c"""
    return engine([models.linear(tmp_path / "linear")], tensor_fields=["tensor"])


def test_an_answer_has_the_types_of_the_platform(linear: Engine) -> None:
    tensor = pa.array(ROWS, pa.list_(pa.float32(), 3))

    answered = table(linear, file(batch(tensor=tensor, index=[7, 8, 9])))

    inner = pa.field("inner", pa.float32(), nullable=False)
    assert answered.schema == pa.schema(
        [
            pa.field("time", pa.timestamp("ms")),
            pa.field("in.tensor", pa.list_(pa.float32(), 3)),
            pa.field("in.index", pa.int64()),
            pa.field("out.variable", pa.list_(inner)),
            pa.field("anomaly.count", pa.uint32()),
        ]
    )
    assert answered["time"][0].as_py() == datetime(2023, 11, 14, 22, 13, 20)  # noqa: DTZ001
    assert answered["in.tensor"].combine_chunks().equals(tensor)
    assert answered["out.variable"].to_pylist() == [
        [pytest.approx(value)] for value in (1.1, 2.1, 1.475)
    ]


@pytest.mark.parametrize(
    "tensor",
    [
        pa.array(ROWS, pa.list_(pa.float32())),
        pa.array(ROWS, pa.large_list(pa.float32())),
        pa.array(ROWS, pa.list_(pa.float32(), 3)),
        pa.array(ROWS, pa.list_(pa.float64())),
        pa.array([[8.0] * 3, *ROWS, [9.0] * 3], pa.list_(pa.float32())).slice(1, 3),
        pa.array([[8.0] * 3, *ROWS, [9.0] * 3], pa.list_(pa.float32(), 3)).slice(1, 3),
        pa.array([[[x] for x in row] for row in ROWS], pa.list_(pa.list_(pa.float64()))),
        pa.FixedShapeTensorArray.from_numpy_ndarray(np.array(ROWS, np.float32)),
    ],
    ids=lambda tensor: str(tensor.type),
)
def test_every_kind_of_list_is_the_same_tensor(linear: Engine, tensor: pa.Array) -> None:
    answered = table(linear, file(pa.record_batch([tensor], ["tensor"])))

    assert answered["out.variable"].to_pylist() == [
        [pytest.approx(value)] for value in (1.1, 2.1, 1.475)
    ]


def test_any_number_of_batches_is_one_request(linear: Engine) -> None:
    parts = [batch(tensor=[row]) for row in ROWS]

    answered = table(linear, file(*parts))

    assert [round(row[0], 3) for row in answered["out.variable"].to_pylist()] == [1.1, 2.1, 1.475]


@pytest.mark.parametrize("exclude", [["metadata"], []])
def test_no_rows_are_answered_with_the_schema_of_rows(linear: Engine, exclude: list[str]) -> None:
    some = batch(tensor=pa.array(ROWS, pa.list_(pa.float32())))
    none = pa.record_batch([pa.array([], pa.list_(pa.float32()))], ["tensor"])

    answered = table(linear, file(none), exclude=exclude)

    assert answered.num_rows == 0
    assert answered.schema == table(linear, file(some), exclude=exclude).schema
    sink = pa.BufferOutputStream()
    pa.ipc.new_file(sink, none.schema).close()
    without = table(linear, sink.getvalue().to_pybytes(), exclude=exclude)
    assert without.schema == answered.schema


def test_a_null_inside_a_row_is_no_number(linear: Engine) -> None:
    answered = table(linear, file(batch(tensor=[[1.0, None, 3.0], [1.0, 0.0, 0.0]])))

    first, second = answered["out.variable"].to_pylist()
    assert np.isnan(first[0])
    assert second == [pytest.approx(1.1)]


def test_inputs_of_several_columns_are_found_by_name(tmp_path: Path) -> None:
    served = engine([models.multi_io(tmp_path / "m")])

    answered = table(served, file(batch(input_2=[[1.0] * 5], input_1=[[1.0] * 10])))

    assert len(answered["out.output_1"][0]) == 3
    assert len(answered["out.output_2"][0]) == 2


@pytest.mark.parametrize(
    ("dtype", "values", "kind"),
    [
        (models.INT64, [[9007199254740993, 2]], pa.int64()),
        (models.BOOL, [[True, False]], pa.bool_()),
        (models.STRING, [["house", ""]], pa.string()),
        (models.DOUBLE, [[0.1, 2.0]], pa.float64()),
        (models.FLOAT16, [[0.5, 2.0]], pa.float16()),
    ],
)
def test_values_of_every_type_come_out_as_they_went_in(
    tmp_path: Path, dtype: int, values: list[Any], kind: pa.DataType
) -> None:
    served = engine([models.identity(tmp_path / "m", dtype)])

    answered = table(served, file(batch(input=pa.array(values, pa.list_(kind)))))

    assert answered["out.output"].to_pylist() == values
    assert answered.schema.field("out.output").type.value_type == kind


def test_single_values_are_rows_of_one(tmp_path: Path) -> None:
    served = engine([models.identity(tmp_path / "m", models.STRING, ["N", 1])])

    answered = table(served, file(batch(word=pa.array(["a", "b"]).dictionary_encode())))

    assert answered["out.output"].to_pylist() == [["a"], ["b"]]


def test_without_a_separator_groups_are_structs(linear: Engine) -> None:
    answered = table(linear, file(batch(tensor=ROWS)), separator=None, dataset=[], exclude=[])

    assert answered.schema.names == ["time", "in", "out", "anomaly", "metadata"]
    [row] = answered.slice(1, 1).to_pylist()
    assert row["in"] == {"tensor": [0.0, 1.0, 0.0]}
    assert row["out"] == {"variable": [pytest.approx(2.1)]}
    assert row["anomaly"] == {"count": 0}
    assert row["metadata"]["pipeline_version"] == "v1"
    assert row["metadata"]["last_model"] == '{"model_name":"linear","model_sha":"sha-of-linear"}'
    assert row["metadata"]["dropped"] == []
    assert len(row["metadata"]["elapsed"]) == 2


def test_the_record_has_the_outputs_as_a_stream(linear: Engine) -> None:
    body = file(batch(tensor=ROWS))

    record = linear.infer(request(body, content_type=ARROW, dataset=["time"])).record

    assert (record.rows, record.format, record.inputs) == (3, "arrow", body)
    logged = pa.ipc.open_stream(record.outputs).read_all()
    assert logged.schema.names == ["out.variable", "anomaly.count"]
    assert logged.num_rows == 3


def test_rows_without_an_output_of_a_split_are_null(tmp_path: Path) -> None:
    control = models.linear(tmp_path / "control")
    gold = models.linear(tmp_path / "gold", name="price")
    split = {
        "split_key": "card",
        "control": run_step(deployed(control))["ModelInference"]["models"][0],
        "routes": {"gold": run_step(deployed(gold))["ModelInference"]["models"][0]},
    }
    served = engine([control, gold], [{"MetaValueSplit": split}], tensor_fields=["tensor"])

    answered = table(served, file(batch(tensor=ROWS[:2], card=["gold", "silver"])))

    assert answered["out.variable"].to_pylist() == [None, [pytest.approx(2.1)]]
    assert answered["out.price"].to_pylist() == [[pytest.approx(1.1)], None]
    answered.validate(full=True)
    assert answered.schema.field("out._model_split").type.value_type == pa.string()


def _lying_offsets() -> bytes:
    """Lists that say they go on beyond their values."""
    honest = file(batch(tensor=pa.array(ROWS[:2], pa.list_(pa.float32()))))
    offsets = np.array([0, 3, 6], np.int32).tobytes()
    assert honest.count(offsets) == 1
    return honest.replace(offsets, np.array([0, 3, 3000], np.int32).tobytes())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"", "no Arrow IPC file"),
        (lambda: b"ARROW1\0\0" + b"\xff" * 200, "no Arrow IPC file"),
        (lambda: file(batch(tensor=ROWS))[:-20], "no Arrow IPC file"),
        (_lying_offsets, "no Arrow IPC file"),
        (lambda: file(batch(tensor=[[1.0, 2.0, 3.0], None])), "'tensor': row 1 is null"),
        (lambda: file(batch(tensor=[[1.0], [2.0, 3.0]])), "different lengths"),
        (lambda: file(batch(tensor=[[1.0, 2.0]])), "rows of shape .2., but input 'float_input'"),
        (lambda: file(batch(tensor=[["a", "b", "c"]])), "text or objects, but the model takes"),
        (lambda: file(batch(tensor=[datetime(2024, 1, 1)])), "timestamp.* can't be a tensor"),  # noqa: DTZ001
        (lambda: file(batch(other=ROWS)), "'tensor' is missing; there are 'other'"),
        (
            lambda: file(pa.record_batch([pa.array(ROWS)] * 2, ["tensor", "tensor"])),
            "'tensor' are there twice",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_the_column_and_the_remedy(
    linear: Engine, make: Callable[[], bytes], words: str
) -> None:
    with pytest.raises(Refused, match=words) as refused:
        table(linear, make())

    assert refused.value.status == 400


def test_a_null_among_whole_numbers_is_refused(tmp_path: Path) -> None:
    served = engine([models.identity(tmp_path / "m", models.INT64)])

    with pytest.raises(Refused, match="no int64"):
        table(served, file(batch(input=[[1, None]])))


def test_a_null_text_is_refused(tmp_path: Path) -> None:
    served = engine([models.identity(tmp_path / "m", models.STRING)])

    with pytest.raises(Refused, match="send strings"):
        table(served, file(batch(input=[["a", None]])))
