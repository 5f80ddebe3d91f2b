"""Many inferences at once by the SDK: in batches, in order, with what became of each."""

import asyncio
from typing import Any
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pytest
from rondo import AsyncClient, Client, Pipeline
from rondo.errors import InferenceError, RondoError
from rondo.inference_batches import join, split
from rondo.inference_data import Rows

from tests.platform import PATIENCE
from tests.sdk.test_inference import HOUSE, MODEL

ROWS = [{"tensor": [bedrooms, *HOUSE[1:]]} for bedrooms in range(1, 8)]
BAD = {"tensor": HOUSE[1:]}


@pytest.fixture
def pipeline(client: Client) -> Any:
    model = client.upload_model("houseprice", MODEL)
    deployed = client.build_pipeline(f"p-{uuid4()}").add_model_step(model).deploy(timeout=PATIENCE)
    yield deployed
    deployed.undeploy()


def test_results_are_those_of_one_request_each_and_in_order(pipeline: Pipeline) -> None:
    one = [row["out.price"] for row in pipeline.infer(ROWS)]
    infer = pipeline.parallel_infer
    rows = asyncio.run(infer(ROWS, batch_size=2, num_parallel=3))
    assert [row["out.price"] for row in rows] == one
    assert "error" not in rows[0]
    frame = asyncio.run(infer(pd.DataFrame(ROWS), batch_size=3))
    assert frame["out.price"].tolist() == one
    assert frame.index.tolist() == list(range(7))
    table = asyncio.run(infer(pa.Table.from_pylist(ROWS), retries=1))
    assert table["in.tensor"].to_pylist() == [row["tensor"] for row in ROWS]
    assert table.num_rows == 7
    (single,) = asyncio.run(pipeline.async_infer(ROWS[:1], async_client=None, timeout=10))
    assert single["out.price"] == one[0]


def test_a_batch_that_fails_has_its_reason_in_its_rows(pipeline: Pipeline) -> None:
    given = [*ROWS[:2], BAD, *ROWS[2:4]]
    rows = asyncio.run(pipeline.parallel_infer(given))
    assert [bool(row["error"]) for row in rows] == [False, False, True, False, False]
    assert "tensor" in rows[2]["error"]
    assert rows[2].keys() == {"error"}
    frame = asyncio.run(pipeline.parallel_infer(pd.DataFrame(given), batch_size=2))
    assert [bool(error) for error in frame["error"]] == [False, False, True, True, False]
    assert frame["out.price"].isna().tolist() == [False, False, True, True, False]
    with pytest.raises(InferenceError):
        asyncio.run(pipeline.parallel_infer([BAD, BAD]))


async def test_the_asynchronous_client_has_them_too(
    pipeline: Pipeline, client: Client, async_client: AsyncClient
) -> None:
    (there,) = await async_client.pipelines_by_name(pipeline.name())
    rows = await there.parallel_infer(ROWS, batch_size=4)
    assert [row["in.tensor"] for row in rows] == [row["tensor"] for row in ROWS]
    assert (await there.async_infer(ROWS[:1]))[0]["out.price"] == rows[0]["out.price"]


def test_inputs_without_rows_are_refused() -> None:
    for tensor in ({"tensor": [HOUSE]}, b"file", 7):
        with pytest.raises(TypeError, match="no rows to take apart"):
            split(tensor, 1)
    with pytest.raises(ValueError, match="batch_size"):
        split(ROWS, 0)
    assert [batch.rows for batch in split([], 3)] == [0]


def test_a_table_keeps_its_columns_where_a_batch_has_failed() -> None:
    schema = pa.schema([pa.field("out.y", pa.list_(pa.float32()), nullable=False)])
    answer = pa.Table.from_pylist([{"out.y": [1.0]}], schema=schema)
    batches = split(pa.table({"x": [1, 2, 3]}), 2)
    joined = join(batches, [RondoError("why"), answer])
    assert joined.to_pylist() == [
        {"out.y": None, "error": "why"},
        {"out.y": None, "error": "why"},
        {"out.y": [1.0], "error": ""},
    ]
    assert join(split([1, 2], 1), [Rows([{"a": 1}]), RondoError("why")]) == [
        {"a": 1, "error": ""},
        {"error": "why"},
    ]
