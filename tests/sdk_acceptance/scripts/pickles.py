"""Models of scikit-learn or XGBoost, as the second argument says, by the published SDK."""

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
from wallaroo.framework import Framework

from tests.sdk_acceptance.scripts.common import client
from tests.sdk_acceptance.scripts.served import name

FRAMEWORKS = {"sklearn": Framework.SKLEARN, "xgboost": Framework.XGBOOST}
TYPES = {"float64": pa.float64(), "float32": pa.float32(), "int64": pa.int64(), "int32": pa.int32()}

folder = Path(sys.argv[1])
wl = client()


def numbers(value: Any) -> Any:
    return [numbers(each) for each in value] if isinstance(value, list) else float.fromhex(value)


def upload(file: str, framework: Framework, takes: pa.Schema, gives: pa.Schema) -> Any:
    path = str(folder / file)
    model = wl.upload_model(
        name("m"), path, framework=framework, input_schema=takes, output_schema=gives
    )
    assert str(model.status()) == "ready", (file, model.status(), model.error_summary())
    return model


def deployed(model: Any) -> Any:
    return wl.build_pipeline(name("p")).add_model_step(model).deploy()


def check(file: str, one: Any) -> None:
    """The answer to a table is what its own predict gave, to the last bit."""
    rows, columns = numbers(one["rows"]), one["columns"]
    if columns == ["inputs"]:
        kind = pa.list_(pa.float64(), len(rows[0]))
        table = pa.table({"inputs": pa.array(rows, kind)})
    else:
        table = pa.table({key: [row[at] for row in rows] for at, key in enumerate(columns)})
    fields = []
    for key, output in one["outputs"].items():
        kind = TYPES[output["dtype"]]
        wide = isinstance(output["values"][0], list)
        fields.append(pa.field(key, pa.list_(kind, len(output["values"][0])) if wide else kind))
    model = upload(file, FRAMEWORKS[one["framework"]], table.schema, pa.schema(fields))
    pipeline = deployed(model)
    answer = pipeline.infer(table)
    for key, output in one["outputs"].items():
        assert answer[f"out.{key}"].to_pylist() == numbers(output["values"]), (file, key)
    pipeline.undeploy()


for file, one in json.loads((folder / "expected.json").read_text()).items():
    if one["framework"] == sys.argv[2]:
        check(file, one)
print("done")
