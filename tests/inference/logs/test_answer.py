"""Pages as users get them: types kept, texts shortest, names as they were asked for."""

import datetime as dt
import io
import json
from typing import Any

import msgspec
import orjson
import pyarrow as pa
import pytest

from services.inference.logs.answer import arrow, records
from services.inference.logs.arrow_types import common, converted, plain
from services.inference.logs.dataset import selected
from services.inference.logs.log_query import LogQuery
from services.inference.logs.page import Page
from services.inference.record import RecordBody
from tests.inference.logs.conftest import Logs
from tests.inference.logs.records import AT, PIPELINE, head, json_body

FLOAT, DOUBLE = pa.float32(), pa.float64()
TENSOR = pa.array([[0.1, 2.0], [3.0, None]], pa.list_(FLOAT, 2))


def arrow_body(inputs: pa.Table, outputs: pa.Table) -> bytes:
    given, answered = io.BytesIO(), io.BytesIO()
    with pa.ipc.new_file(given, inputs.schema) as file:
        file.write_table(inputs)
    with pa.ipc.new_stream(answered, outputs.schema) as stream:
        stream.write_table(outputs)
    body = RecordBody(
        inputs.num_rows, "arrow", given.getvalue(), answered.getvalue(), {}, "{}", [1, 2]
    )
    return msgspec.msgpack.encode(body)


def append(logs: Logs, *bodies: bytes) -> None:
    writer = logs.writer()
    for number, body in enumerate(bodies):
        writer.append(head(time=AT + number), body)
    writer.close()


async def page(logs: Logs, **query: Any) -> Page:
    return await logs.reader.page(PIPELINE, LogQuery(**query))


def opened(content: bytes) -> tuple[pa.Table, dict[str, Any]]:
    table = pa.ipc.open_file(content).read_all()
    return table, json.loads(table.schema.metadata[b"status"])


OUTPUT = pa.table({"out.variable": pa.array([[0.2], [718013.6875]], pa.list_(FLOAT))})


@pytest.mark.parametrize("sealed", [False, True])
async def test_types_of_arrow_are_those_that_were_sent(logs: Logs, sealed: bool) -> None:
    inputs = pa.table(
        {
            "tensor": TENSOR,
            "text": pa.array(["a", None], pa.large_string()),
            "kind": pa.array(["x", "y"]).dictionary_encode(),
            "day": pa.array([dt.date(2020, 1, 1), None]),
            "whole": pa.array([1, 2**60], pa.int64()),
        }
    )
    append(logs, arrow_body(inputs, OUTPUT))
    if sealed:
        await logs.sealer.tick()
    table, about = opened(arrow(await page(logs), LogQuery()))
    assert about["status"] == "All"
    assert table.column_names[:7] == [
        *("time", "in.tensor", "in.text", "in.kind", "in.day", "in.whole", "out.variable"),
    ]
    assert not [name for name in table.column_names if name.startswith("request")]
    assert table.schema.field("time").type == pa.timestamp("ms")
    assert table.schema.field("in.kind").type == pa.string()
    for name in ("tensor", "text", "day", "whole"):
        assert table.schema.field(f"in.{name}").type == inputs.schema.field(name).type
        assert table[f"in.{name}"].to_pylist() == inputs[name].to_pylist()
    assert table["out.variable"].type == pa.list_(FLOAT)


async def test_rows_of_json_and_arrow_come_in_one_table(logs: Logs) -> None:
    append(logs, json_body([[1.5, 2.5]]), arrow_body(pa.table({"tensor": TENSOR}), OUTPUT))
    found = await page(logs)
    assert found.status == "All"
    assert found.table["in.tensor"].type == pa.list_(DOUBLE)
    assert found.table["in.tensor"].to_pylist()[:2] == [[1.5, 2.5], [pytest.approx(0.1), 2.0]]
    assert found.table["anomaly.count"].to_pylist() == [0, None, None]
    assert found.table["metadata.dropped"].to_pylist() == [[], [], []]


async def test_json_is_nested_and_floats_are_the_shortest_text(logs: Logs) -> None:
    append(logs, arrow_body(pa.table({"tensor": TENSOR}), OUTPUT))
    query = LogQuery(separator=None, exclude=("metadata",))
    assert orjson.loads(records(await page(logs, exclude=("metadata",)), query)) == [
        {"time": AT, "in": {"tensor": [0.1, 2.0]}, "out": {"variable": [0.2]}},
        {"time": AT, "in": {"tensor": [3.0, None]}, "out": {"variable": [718013.7]}},
    ]
    assert b"718013.7]" in records(await page(logs), LogQuery(separator="."))
    flat = orjson.loads(records(await page(logs, dataset=("out",)), LogQuery(separator="_")))
    assert flat[0] == {"time": AT, "out_variable": [0.2]}


async def test_nested_arrow_has_structs(logs: Logs) -> None:
    append(logs, json_body([[1.0], [2.0]]))
    table, _ = opened(arrow(await page(logs), LogQuery(separator=None)))
    assert table.column_names == ["time", "in", "out", "anomaly", "metadata"]
    assert table["in"].to_pylist() == [{"tensor": [1.0]}, {"tensor": [2.0]}]
    assert table["anomaly"].to_pylist() == [{"count": 0}] * 2


async def test_an_empty_page_has_the_time_alone(logs: Logs) -> None:
    table, about = opened(arrow(await page(logs), LogQuery()))
    assert (table.column_names, about) == (["time"], {"status": "All"})
    assert records(await page(logs), LogQuery()) == b"[]"


async def test_a_page_says_whether_there_is_more_and_how_to_go_on(logs: Logs) -> None:
    append(logs, json_body([[1.0], [2.0]]), json_body([[3.0]]))
    _, about = opened(arrow(await page(logs, limit=3), LogQuery()))
    assert about["status"] == "All"
    _, about = opened(arrow(await page(logs, limit=2), LogQuery()))
    assert about["status"] == "RecordLimited"
    _, last = opened(arrow(await page(logs, cursor=about["next"]["cursor"]), LogQuery()))
    assert last["status"] == "All"
    assert last["next"] != about["next"]


async def test_a_page_ends_at_its_bytes(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.inference.logs.page.MAX_BYTES", 5000)
    append(logs, *(json_body([[float(n)] * 50]) for n in range(30)))
    found, rows = await page(logs), 0
    while found.status == "ByteLimited":
        assert 0 < found.table.nbytes < 10_000
        rows += found.table.num_rows
        found = await page(logs, cursor=found.next)
    assert rows + found.table.num_rows == 30


async def test_a_page_ends_where_there_would_be_too_many_columns(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.inference.logs.page.MAX_COLUMNS", 20)
    bodies = []
    for number in range(9):
        names = [f"c{number}-{n}" for n in range(8)]
        inputs = pa.table({name: [1.0, 2.0] for name in names})
        bodies.append(arrow_body(inputs, OUTPUT))
    append(logs, *bodies)
    found, rows = await page(logs), 0
    while found.status == "SchemaChange":
        assert len(found.table.column_names) <= 20
        rows += found.table.num_rows
        found = await page(logs, cursor=found.next)
    assert rows + found.table.num_rows == 18


NAMES = ["time", "in.a", "in.a.b", "out.x", "out_m.x", "anomaly.count", "metadata.p", "request.id"]


@pytest.mark.parametrize(
    ("dataset", "exclude", "expected"),
    [
        (["*"], [], NAMES[:-1]),
        (["*"], ["metadata", "in"], ["time", "out.x", "out_m.x", "anomaly.count"]),
        (["*"], ["time"], NAMES[:-1]),
        (["out"], [], ["time", "out.x"]),
        (["out.x", "metadata"], [], ["time", "out.x", "metadata.p"]),
        (["in.a"], ["in.a.b"], ["time", "in.a"]),
        (["request"], [], ["time", "request.id"]),
        ([], [], ["time"]),
    ],
)
def test_a_dataset(dataset: list[str], exclude: list[str], expected: list[str]) -> None:
    assert selected(NAMES, dataset, exclude) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (FLOAT, DOUBLE, DOUBLE),
        (pa.int32(), FLOAT, DOUBLE),
        (pa.uint8(), pa.int16(), pa.int64()),
        (pa.null(), pa.list_(FLOAT), pa.list_(FLOAT)),
        (pa.list_(FLOAT, 2), pa.list_(FLOAT, 2), pa.list_(FLOAT, 2)),
        (pa.list_(FLOAT, 2), pa.list_(DOUBLE, 2), pa.list_(DOUBLE, 2)),
        (pa.list_(FLOAT, 2), pa.list_(FLOAT, 3), pa.list_(FLOAT)),
        (pa.list_(pa.null()), pa.list_(pa.list_(FLOAT)), pa.list_(pa.list_(FLOAT))),
        (pa.list_(FLOAT), pa.large_list(DOUBLE), pa.large_list(DOUBLE)),
        (pa.list_(FLOAT), FLOAT, pa.string()),
        (pa.list_(FLOAT), pa.list_(pa.string()), pa.string()),
        (pa.timestamp("ms"), pa.timestamp("ns"), pa.timestamp("ns")),
        (pa.struct([("a", FLOAT)]), pa.struct([("b", DOUBLE)]), None),
    ],
)
def test_two_types_in_common(one: pa.DataType, other: pa.DataType, expected: Any) -> None:
    found = common(one, other)
    assert found == expected or expected is None
    assert common(other, one) == found or expected is None
    for kind in (one, other):
        nothing = converted(pa.chunked_array([pa.nulls(2, kind)]), found)
        assert (nothing.type, nothing.null_count) == (found, 2)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([[1], [], None], pa.list_view(pa.int64())), pa.list_(pa.int64())),
        (pa.array(["a"], pa.string_view()), pa.string()),
        (pa.array([[["a"]]], pa.list_(pa.list_view(pa.string()))), None),
        (pa.array([1, None], pa.timestamp("s")), pa.timestamp("ms")),
        (pa.array([], pa.list_(FLOAT, 0)), pa.list_(FLOAT)),
    ],
)
def test_a_type_that_readers_may_not_know_becomes_the_nearest(array: Any, expected: Any) -> None:
    found = plain(array)
    assert found.type == expected or expected is None
    assert found.to_pylist() == array.to_pylist()
