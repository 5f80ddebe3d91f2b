"""A step written in Python: a ZIP that python_entry.py knows how to begin with.

It gets the columns that its input schema names, each with a row axis, and gives those of its output
schema for as many rows. It is its author's code: it runs in the replica, which is confined, and
finds numpy and pandas there. What it imports of its own must be imported at the top.
"""

import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from libs.domain.values import TensorSpec
from services.inference.engine.errors import Refused
from services.inference.engine.python_entry import entry
from services.inference.engine.python_sources import sources
from services.inference.engine.request import Cancel
from services.inference.engine.tensors import Array, cast, zero_rows
from services.inference.step_worker.entry import THEIRS


class PythonStep:
    """BadModel if the archive holds no such step, or it can't be imported. Its calls wait for one
    another: nobody promised that it may be called by several threads. They can't be cancelled."""

    rows_at_once = sys.maxsize  # it may look at all of them
    gives_lists = False  # but where its schema says so

    def __init__(
        self,
        path: Path,
        framework: str,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
    ) -> None:
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self._files = sources(path)
        self._process = entry(self._files, framework)
        self._lock = threading.Lock()

    def run(self, feeds: Mapping[str, Array], cancel: Cancel | None) -> list[Any]:
        """See Session. Refused(500) with the place in the step where it fails."""
        rows = len(next(iter(feeds.values())))
        if not rows:
            return [zero_rows(spec) for spec in self.outputs]
        arrays = {name: _own(each) for name, each in feeds.items()}
        try:
            with self._lock:
                result = self._process(arrays)
        except THEIRS as error:
            raise Refused(500, f"the step failed: {self._place(error)}") from error
        if not isinstance(result, Mapping):
            raise Refused(500, f"the step gave a {type(result).__name__}, not a dict of arrays")
        return [output(result, spec, rows) for spec in self.outputs]

    def _place(self, error: BaseException) -> str:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if frame.filename in self._files]
        place = f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
        return f"{type(error).__name__}: {error}{place}"


def _own(array: Array) -> Array:
    """The step's to change; requests in Arrow are not to be written to."""
    return array if array.flags.writeable else array.copy()


def output(result: Mapping[str, Any], spec: TensorSpec, rows: int) -> Array:
    if spec.name not in result:
        names = ", ".join(map(repr, result)) or "nothing"
        raise Refused(500, f"the step gave {names}, but its output schema has {spec.name!r}")
    try:
        array = np.asarray(result[spec.name])
        if array.ndim == 0 or len(array) != rows:
            raise Refused(500, f"output {spec.name!r} of the step: not one value for each row")
        return _as_declared(cast(array, spec.name, spec), spec)
    except (Refused, ValueError) as error:
        raise Refused(500, f"the step's output does not fit its schema: {error}") from error


def _as_declared(array: Array, spec: TensorSpec) -> Array:
    """One value a row is a list where the schema has a list, and a value where it has none."""
    if len(spec.shape) > 1 and array.ndim == 1:
        return array.reshape((-1, 1))
    if len(spec.shape) == 1 and array.shape[1:] == (1,):
        return array.reshape(-1)
    return array
