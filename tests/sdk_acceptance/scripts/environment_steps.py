"""A step with packages of its own, and one with a package that does not exist."""

import sys
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
from wallaroo.framework import Framework

from tests.sdk_acceptance.scripts.common import client
from tests.sdk_acceptance.scripts.served import name

STEP = """
from roman import toRoman


def process_data(input_data):
    return {"text": [toRoman(int(each)) for each in input_data["number"]]}
"""

folder = Path(sys.argv[1])
wl = client()

with zipfile.ZipFile(folder / "roman.zip", "w") as archive:
    archive.writestr("step.py", STEP)
    archive.writestr("requirements.txt", "roman==5.1\n")
takes, gives = (
    pa.schema([pa.field("number", pa.int64())]),
    pa.schema([pa.field("text", pa.string())]),
)
model = wl.upload_model(
    *(name("m"), str(folder / "roman.zip"), Framework.PYTHON),
    input_schema=takes,
    output_schema=gives,
)
assert str(model.status()) == "ready", (model.status(), model.error_summary())
pipeline = wl.build_pipeline(name("p")).add_model_step(model).deploy()
answer = pipeline.infer(pd.DataFrame({"number": [1924, 4]}))
assert list(answer["out.text"]) == ["MCMXXIV", "IV"], answer
assert len(pipeline.logs()) == 2
pipeline.undeploy()

with zipfile.ZipFile(folder / "missing.zip", "w") as archive:
    archive.writestr("step.py", STEP)
    archive.writestr("requirements.txt", "roman==77.7\n")
try:  # refused at once, or in the end
    model = wl.upload_model(
        *(name("m"), str(folder / "missing.zip"), Framework.PYTHON),
        input_schema=takes,
        output_schema=gives,
    )
    problem = f"{model.status()} {model.error_summary()}"
except Exception as error:
    problem = str(error)
assert "roman==77.7" in problem, problem
print("done")
