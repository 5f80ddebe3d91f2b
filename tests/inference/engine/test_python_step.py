import base64
from pathlib import Path

import pyarrow as pa
import pytest

from libs.domain.values import TensorSpec
from services.inference.engine.engine import Engine
from services.inference.engine.errors import BadModel, Refused
from services.inference.engine.probe import Probe, probe
from services.inference.engine.python_sources import MAX_SOURCE_BYTES
from tests.inference import models
from tests.inference.engine.served import AS_THE_SDK, answer, deployed, engine, request, run_step
from tests.inference.engine.test_arrow import batch, file, table

# As the published examples begin.
HEAD = "import numpy as np\nimport pandas as pd\nfrom mac.types import InferenceData\n\n"
SPREAD = (
    HEAD
    + """
def process_data(input_data: InferenceData) -> InferenceData:
    frame = pd.DataFrame(input_data)
    frame["age"] = 2024 - frame["built"]
    return {"tensor": frame.loc[:, ["age", "rooms", "rooms"]].to_numpy(dtype=np.float32)}
"""
)
ROUND = (
    HEAD
    + """
def process_data(input_data: InferenceData) -> InferenceData:
    input_data["variable"] = np.rint(input_data["variable"])
    return input_data
"""
)
NUMBERS = pa.list_(pa.float32())


def schema(**columns: pa.DataType) -> str:
    """As clients send it."""
    fields = pa.schema([pa.field(name, kind) for name, kind in columns.items()])
    return base64.b64encode(fields.serialize().to_pybytes()).decode()


def found(path: Path, inputs: str, outputs: str) -> Probe:
    return probe(path, "python", inputs, outputs)


BUILDER = """
from typing import Any, Set

import numpy as np
from mac.config.inference import CustomInferenceConfig
from mac.inference import Inference
from mac.inference.creation import InferenceBuilder
from mac.types import InferenceData


class Times(Inference):
    @property
    def expected_model_types(self) -> Set[Any]:
        return {int}

    @Inference.model.setter
    def model(self, model: int) -> None:
        self._raise_error_if_model_is_wrong_type(model)
        self._model = model

    def _predict(self, input_data: InferenceData) -> InferenceData:
        return {"variable": input_data["variable"] * self.model}


class TimesBuilder(InferenceBuilder):
    @property
    def inference(self) -> Times:
        return Times()

    def create(self, config: CustomInferenceConfig) -> Times:
        inference = self.inference
        inference.model = 3
        return inference
"""


def one_step(path: Path, text: str) -> Engine:
    """A pipeline of a step that takes and gives a list, `variable`."""
    models.step(path, {"step/step.py": text})
    probed = found(path, schema(variable=NUMBERS), schema(variable=NUMBERS))
    return engine([path], probe=probed, framework="python")


def test_steps_run_before_and_after_a_model(tmp_path: Path) -> None:
    before = models.step(tmp_path / "before", {"before/step.py": SPREAD})
    after = models.step(tmp_path / "after", {"after/step.py": ROUND})
    model = models.linear(tmp_path / "linear")
    versions = [
        deployed(
            before,
            framework="python",
            probe=found(before, schema(built=pa.int64(), rooms=pa.int64()), schema(tensor=NUMBERS)),
        ),
        deployed(model),
        deployed(
            after,
            framework="python",
            probe=found(after, schema(variable=NUMBERS), schema(variable=NUMBERS)),
        ),
    ]
    files = dict(zip([each.version for each in versions], [before, model, after], strict=True))
    served = Engine.load([run_step(each) for each in versions], versions, files)
    served.warm()

    rows = answer(served, [{"built": 1924, "rooms": 3}, {"built": 2023, "rooms": 1}], **AS_THE_SDK)

    assert [row["out.variable"] for row in rows] == [[115.0], [6.0]]
    assert [row["in.built"] for row in rows] == [1924, 2023]


@pytest.mark.parametrize("given", ["data['x']", "data['x'].reshape((-1, 1))"])
def test_an_output_is_a_value_or_a_list_as_its_schema_says(tmp_path: Path, given: str) -> None:
    text = f"def process_data(data):\n    return {{'value': {given}, 'list': {given}}}\n"
    path = models.step(tmp_path / "step", {"step.py": text})
    outputs = schema(value=pa.int64(), list=pa.list_(pa.int64()))
    served = engine([path], probe=found(path, schema(x=pa.int64()), outputs), framework="python")

    rows = answer(served, [{"x": 3}, {"x": 4}], **AS_THE_SDK)
    assert [(row["out.value"], row["out.list"]) for row in rows] == [(3, [3]), (4, [4])]

    arrow = table(served, file(batch(x=pa.array([5, 6]))))
    assert arrow["out.value"].to_pylist() == [5, 6]
    assert arrow["out.list"].to_pylist() == [[5], [6]]


def test_a_probe_says_what_the_schemas_say(tmp_path: Path) -> None:
    path = models.step(tmp_path / "step", {"step.py": ROUND})

    probed = found(
        path,
        schema(a=pa.string(), b=pa.list_(pa.float64(), 3)),
        schema(c=pa.list_(pa.list_(pa.int32()))),
    )

    assert probed.inputs == [
        TensorSpec(name="a", dtype="string", shape=[None]),
        TensorSpec(name="b", dtype="double", shape=[None, 3]),
    ]
    assert probed.outputs == [TensorSpec(name="c", dtype="int32", shape=[None, None, None])]


def test_a_step_may_change_what_came_as_arrow(tmp_path: Path) -> None:
    served = one_step(
        tmp_path / "step",
        "def process_data(data):\n    data['variable'] *= 2\n    return data\n",
    )
    body = file(batch(variable=pa.array([[1.5], [2.5]], NUMBERS)))

    answered = table(served, body)

    assert answered["out.variable"].to_pylist() == [[3.0], [5.0]]
    assert answered["in.variable"].to_pylist() == [[1.5], [2.5]]


def test_a_builder_makes_what_answers(tmp_path: Path) -> None:
    path = models.step(tmp_path / "step", {"times/times.py": BUILDER})
    probed = probe(path, "custom", schema(variable=NUMBERS), schema(variable=NUMBERS))

    [row] = answer(engine([path], probe=probed, framework="custom"), [{"variable": [2, 3]}])

    assert row["out"]["variable"] == [6.0, 9.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ROUND, "0 modules of the archive define a class of InferenceBuilder"),
        (BUILDER.replace("= 3", "= 'three'"), "TypeError: the model is a str"),
        (BUILDER.replace("def _predict", "def answer"), "TypeError.*_predict"),
        (BUILDER.replace("= 3", "= open(config.model_path / 'weights')"), "FileNotFoundError"),
    ],
)
def test_a_builder_that_makes_nothing_says_why(tmp_path: Path, text: str, words: str) -> None:
    path = models.step(tmp_path / "step", {"step.py": text})

    with pytest.raises(BadModel, match=words):
        probe(path, "custom", schema(variable=NUMBERS), schema(variable=NUMBERS))


def test_no_rows_are_not_given_to_a_step(tmp_path: Path) -> None:
    served = one_step(tmp_path / "step", "def process_data(data):\n    raise ValueError\n")

    body = file(pa.record_batch([pa.array([], NUMBERS)], ["variable"]))

    assert table(served, body).num_rows == 0


def test_steps_of_one_pipeline_may_have_modules_of_the_same_names(tmp_path: Path) -> None:
    step = (
        "from factor import FACTOR\n\n"
        "def process_data(data):\n    return {k: v * FACTOR for k, v in data.items()}\n"
    )
    paths = [
        models.step(tmp_path / name, {"s/step.py": step, "s/factor.py": f"FACTOR = {factor}\n"})
        for name, factor in (("two", 2), ("five", 5))
    ]
    probed = found(paths[0], schema(variable=NUMBERS), schema(variable=NUMBERS))

    served = engine(paths, probe=probed, framework="python")

    [row] = answer(served, [{"variable": [1]}], **AS_THE_SDK)
    assert row["out.variable"] == [10.0]


def test_a_package_beside_the_step_is_found(tmp_path: Path) -> None:
    path = models.step(
        tmp_path / "step",
        {
            "step/main.py": "from tools.round import rint\n\n"
            "def process_data(data):\n    return rint(data)\n",
            "step/tools/__init__.py": "",
            "step/tools/round.py": "import numpy as np\n\n"
            "def rint(data):\n    return {k: np.rint(v) for k, v in data.items()}\n",
        },
    )
    probed = found(path, schema(variable=NUMBERS), schema(variable=NUMBERS))

    [row] = answer(engine([path], probe=probed, framework="python"), [{"variable": [1.7]}])

    assert row["out"]["variable"] == [2.0]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise KeyError('street')", "the step failed: KeyError: 'street' .step/step.py, line 2."),
        ("raise SystemExit(3)", "the step failed: SystemExit: 3"),
        ("return [1]", "gave a list, not a dict of arrays"),
        ("return {'price': [1.0]}", "gave 'price', but its output schema has 'variable'"),
        ("return {'variable': [[1.0], [2.0]]}", "not one value for each row"),
        ("return {'variable': 1.0}", "not one value for each row"),
        ("return {'variable': ['a']}", "does not fit its schema"),
    ],
)
def test_a_step_that_fails_says_where(tmp_path: Path, body: str, words: str) -> None:
    served = one_step(tmp_path / "step", f"def process_data(data):\n    {body}\n")

    with pytest.raises(Refused, match=words) as refused:
        served.infer(request([{"variable": [1]}]))

    assert refused.value.status == 500


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"step.py": "x = 1\n"}, "0 modules of the archive define process_data"),
        ({"a.py": ROUND, "b.py": ROUND}, "2 modules of the archive define process_data"),
        ({"step.py": "def process_data(:\n"}, "step.py is no Python"),
        ({"step.py": "import torch\n" + ROUND}, "no 'torch'; steps find numpy and pandas"),
        ({"step.py": "import mac.server\n" + ROUND}, "no 'mac.server'"),
        ({"step.py": "1 / 0\n" + ROUND}, "ZeroDivisionError"),
        ({"step.py": "raise SystemExit\n" + ROUND}, "SystemExit"),
        ({"step.py": "#" * (MAX_SOURCE_BYTES + 1)}, "are more than"),
    ],
)
def test_an_archive_without_a_step_says_why(
    tmp_path: Path, files: dict[str, str], words: str
) -> None:
    path = models.step(tmp_path / "step", files)

    with pytest.raises(BadModel, match=words):
        found(path, schema(variable=NUMBERS), schema(variable=NUMBERS))


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ("", "input_schema: it has no fields|input_schema: no Arrow schema"),
        ("?", "input_schema: no Arrow schema in base64"),
        (base64.b64encode(b"nonsense").decode(), "input_schema: no Arrow schema in base64"),
        (schema(when=pa.timestamp("ms")), "input_schema.when: timestamp.ms. can't be served"),
    ],
)
def test_a_schema_that_can_not_be_served_is_named(tmp_path: Path, inputs: str, words: str) -> None:
    path = models.step(tmp_path / "step", {"step.py": ROUND})

    with pytest.raises(BadModel, match=words):
        found(path, inputs, schema(variable=NUMBERS))


def test_what_is_no_archive_says_so(tmp_path: Path) -> None:
    path = tmp_path / "step"
    path.write_bytes(b"PK no archive")

    with pytest.raises(BadModel, match="not a ZIP archive"):
        found(path, schema(variable=NUMBERS), schema(variable=NUMBERS))
