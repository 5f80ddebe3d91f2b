"""Models that are pickles: of a library that a test has written, as scikit-learn's behave.

What the real libraries predict is compared to the last bit in tests/sdk_acceptance.
"""

import pickle
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.inference.engine.errors import BadModel, Refused
from services.inference.replica.step_process import StepProcess
from tests.inference.environments import environment
from tests.inference.test_step_guard import Guarded
from tests.inference.test_step_guard import guarded as guarded

LIBRARY = """
import os
import warnings

import numpy as np


class Model:
    def __init__(self, weights, **more):
        self.weights = np.array(weights)
        self.n_features_in_ = len(self.weights)
        vars(self).update(more)

    def __setstate__(self, state):
        vars(self).update(state)
        if "old" in state:
            warnings.warn("trying to load a model of version 9")

    def predict(self, rows):
        if hasattr(self, "feature_names_in_"):
            rows = np.column_stack([rows[name] for name in self.feature_names_in_])
        sums = rows @ self.weights
        return np.column_stack([sums, -sums]) if hasattr(self, "two") else sums

    def predict_proba(self, rows):
        sums = self.predict(rows)
        return np.column_stack([1 - sums, sums])


class Nothing:
    pass


class Writes:
    def __reduce__(self):
        return open, ("/tmp/pickled", "w")
"""
PANDAS = """
class DataFrame(dict):
    pass
"""


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environments")
    environment(folder, "one", {"fakelearn.py": LIBRARY, "pandas.py": PANDAS})
    return folder


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = types.ModuleType("fakelearn")
    exec(compile(LIBRARY, "fakelearn.py", "exec"), vars(module))  # noqa: S102 - as the environment
    monkeypatch.setitem(sys.modules, "fakelearn", module)
    return module


async def loaded(
    guarded: Guarded,
    model: Any,
    inputs: Mapping[str, list[int | None]],
    outputs: list[str],
) -> tuple[StepProcess, list[str]]:
    content = model if isinstance(model, bytes) else pickle.dumps(model)
    step = await guarded(content)
    what = {"framework": "sklearn", "inputs": inputs, "outputs": outputs}
    return step, step.load(what)


ROWS = np.array([[0.1, 0.2, 0.3], [1, 2, 3]], np.float64)
LIST = {"inputs": [None, 3]}


async def test_a_prediction_is_the_model_s_to_the_last_bit(guarded: Guarded, library: Any) -> None:
    model = library.Model([0.3, 0.7, 1e-9])
    step, warnings = await loaded(guarded, model, LIST, ["predictions", "probabilities"])

    out = step.run({"inputs": ROWS}, None)

    assert out["predictions"].tobytes() == model.predict(ROWS).tobytes()
    assert out["probabilities"].tobytes() == model.predict_proba(ROWS).tobytes()
    assert warnings == []


async def test_fields_are_columns_in_the_order_of_the_schema(
    guarded: Guarded, library: Any
) -> None:
    model = library.Model([1.0, 10.0, 100.0])
    fields: dict[str, list[int | None]] = {"b": [None], "a": [None], "c": [None]}
    step, _ = await loaded(guarded, model, fields, ["y"])

    out = step.run({"a": ROWS[:, 1], "b": ROWS[:, 0], "c": ROWS[:, 2]}, None)

    assert out["y"].tolist() == (ROWS @ [1, 10, 100]).tolist()


async def test_a_model_that_knows_names_gets_them(guarded: Guarded, library: Any) -> None:
    model = library.Model([1.0, 10.0], feature_names_in_=["b", "a"])
    fields: dict[str, list[int | None]] = {"a": [None], "b": [None]}
    step, _ = await loaded(guarded, model, fields, ["y"])

    assert step.run({"a": ROWS[:, 0], "b": ROWS[:, 1]}, None)["y"].tolist() == [1.2, 12]


async def test_several_outputs_are_columns_of_the_prediction(
    guarded: Guarded, library: Any
) -> None:
    step, _ = await loaded(guarded, library.Model([1, 0, 0], two=True), LIST, ["plus", "minus"])

    out = step.run({"inputs": ROWS}, None)

    assert (out["plus"].tolist(), out["minus"].tolist()) == ([0.1, 1], [-0.1, -1])
    step, _ = await loaded(guarded, library.Model([1, 0, 0]), LIST, ["plus", "minus"])
    with pytest.raises(Refused, match="predicts 1 a row for 2 outputs"):
        step.run({"inputs": ROWS}, None)


async def test_what_a_library_warns_of_is_kept(guarded: Guarded, library: Any) -> None:
    _, warnings = await loaded(guarded, library.Model([1, 2, 3], old=True), LIST, ["y"])

    assert warnings == ["trying to load a model of version 9"]


async def test_a_pickle_that_is_none_says_why(guarded: Guarded, library: Any) -> None:
    stranger = pickle.dumps(library.Nothing()).replace(b"fakelearn", b"lightbulb")
    for model, words in (
        (b"no pickle", "it can't be loaded: UnpicklingError"),
        (stranger, "there is no module 'lightbulb' in its environment"),
        (library.Nothing(), "it is a Nothing, which has no predict"),
        (library.Model([1, 2]), "it takes 2 columns, but the input schema has 3"),
        (library.Writes(), "it can't be loaded: PermissionError"),
        (b"PK\x03\x04", "there is no module 'skops' in its environment"),
    ):
        with pytest.raises(BadModel, match=words):
            await loaded(guarded, model, LIST, ["y"])
