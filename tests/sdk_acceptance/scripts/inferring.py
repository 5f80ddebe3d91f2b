"""Inference: DataFrames, Arrow, files, dicts; in parallel; with datasets; and what is refused."""

import asyncio
import json
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa

from tests.sdk_acceptance.scripts.common import client, refusal
from tests.sdk_acceptance.scripts.served import deployed, model, outputs, rows, table

folder = sys.argv[1]
wl = client()
used = model(wl, folder, "rf_model.onnx", tensor_fields=["tensor"])
pipeline = deployed(wl, used)

frame = pipeline.infer(rows(3))
assert list(frame.columns) == ["time", "in.tensor", "out.variable", "anomaly.count"], frame.columns
assert str(frame["time"].dtype).startswith("datetime64"), frame["time"]
assert list(frame["anomaly.count"]) == [0, 0, 0]
assert [len(row) for row in frame["in.tensor"]] == [18, 18, 18]
expected = outputs(frame)

arrow = pipeline.infer(table(3))
assert isinstance(arrow, pa.Table)
assert arrow.column_names == ["time", "in.tensor", "out.variable", "anomaly.count"]
assert outputs(arrow) == expected
large = pipeline.infer(table(1000))
assert large.num_rows == 1000

file = Path(folder) / "rows.df.json"
rows(2).to_json(file, orient="records")
assert outputs(pipeline.infer_from_file(str(file))) == expected[:2]
arrow_file = Path(folder) / "rows.arrow"
with pa.OSFile(str(arrow_file), "wb") as sink, pa.ipc.new_file(sink, table(2).schema) as writer:
    writer.write_table(table(2))
answer = pipeline.infer_from_file(str(arrow_file))
assert answer.num_rows == 2
plain = {"tensor": [list(row) for row in rows(2)["tensor"]]}
wallaroo_file = Path(folder) / "rows.json"
wallaroo_file.write_text(json.dumps(plain))
assert pipeline.infer_from_file(str(wallaroo_file), data_format="custom-json")
raw = pipeline.infer(plain)
assert len(raw) == 2 or raw, raw

with_metadata = pipeline.infer(rows(1), dataset=["*", "metadata"])
assert any(column.startswith("metadata.") for column in with_metadata.columns), with_metadata
only = pipeline.infer(rows(1), dataset=["time", "out"])
assert list(only.columns) == ["time", "out.variable"], only.columns
less = pipeline.infer(rows(1), dataset=["*"], dataset_exclude=["in", "anomaly"])
assert list(less.columns) == ["time", "out.variable"], less.columns

parallel = asyncio.run(pipeline.parallel_infer(rows(8), num_parallel=4, batch_size=2))
assert outputs(parallel) == outputs(pipeline.infer(rows(8)))
parallel = asyncio.run(pipeline.parallel_infer(table(8), num_parallel=4, batch_size=2))
assert parallel.num_rows == 8

problem = refusal(lambda: pipeline.infer(pd.DataFrame({"tensor": [[1.0, 2.0]]})))
assert "Inference failed: [400]" in problem, problem
assert "source: engine" in problem, problem
problem = refusal(lambda: pipeline.infer(pd.DataFrame({"other": [[1.0] * 18], "more": [1]})))
assert "Inference failed: [400]" in problem, problem
pipeline.undeploy()

several = deployed(wl, model(wl, folder, "multi_io.onnx"))
inputs = pd.DataFrame({"input_1": [[0.5] * 10], "input_2": [[0.25] * 5]})
both = several.infer(inputs)
assert {"in.input_1", "in.input_2", "out.output_1", "out.output_2"} <= set(both.columns)
assert len(both["out.output_1"][0]) == 3
several.undeploy()

tolerant = deployed(wl, model(wl, folder, "linear.onnx"))
(value,) = outputs(tolerant.infer(pd.DataFrame({"whatever": [[1.0, 2.0, 3.0]]})))
assert round(value, 5) == 14.1, value
tolerant.undeploy()
print("done")
