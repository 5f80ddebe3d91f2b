"""Steps in Python before and after a model, and frameworks that are refused by name."""

import sys
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from wallaroo.framework import Framework

from tests.sdk_acceptance.scripts.common import client, refusal
from tests.sdk_acceptance.scripts.served import name, outputs

BEFORE = """
import numpy as np


def process_data(input_data):
    return {"float_input": np.asarray(input_data["tensor"], np.float32) * 2}
"""
AFTER = """
import numpy as np


def process_data(input_data):
    return {"rounded": np.rint(np.asarray(input_data["variable"]))}
"""
NUMBERS = pa.list_(pa.float32())

folder = Path(sys.argv[1])
wl = client()


def step(text: str, takes: str, gives: str) -> Any:
    path = folder / f"{name('step')}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("step.py", text)
    return wl.upload_model(
        name("s"),
        str(path),
        framework=Framework.PYTHON,
        input_schema=pa.schema([pa.field(takes, NUMBERS)]),
        output_schema=pa.schema([pa.field(gives, NUMBERS)]),
    )


linear = wl.upload_model(name("m"), str(folder / "linear.onnx"), framework=Framework.ONNX)
before, after = step(BEFORE, "tensor", "float_input"), step(AFTER, "variable", "rounded")
assert (str(before.status()), str(after.status())) == ("ready", "ready")
pipeline = wl.build_pipeline(name("p"))
for one in (before, linear, after):
    pipeline.add_model_step(one)
pipeline.deploy()
answer = pipeline.infer(pd.DataFrame({"tensor": [[1.0, 2.0, 3.0], [0.0, 0.0, 1.0]]}))
assert outputs(answer, "out.rounded") == [28.0, 6.0], answer
assert [list(row) for row in answer["in.tensor"]] == [[1.0, 2.0, 3.0], [0.0, 0.0, 1.0]]
pipeline.undeploy()

empty = pa.schema([pa.field("x", NUMBERS)])


def upload(framework: Framework) -> Any:
    path = str(folder / "linear.onnx")
    return wl.upload_model(
        name("r"), path, framework=framework, input_schema=empty, output_schema=empty
    )


for framework, words in (
    (Framework.KERAS, "export it to ONNX by tf2onnx"),
    (Framework.TENSORFLOW, "export it to ONNX by tf2onnx"),
    (Framework.PYTORCH, "export it to ONNX by torch.onnx.export"),
    (Framework.CUSTOM, "not a ZIP archive"),
):
    problem = refusal(partial(upload, framework))
    assert "Model failed to upload: [400]" in problem, problem
    assert words in problem, problem
print("done")
