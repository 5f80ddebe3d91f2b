"""A step written in Python: a ZIP with a module that defines process_data.

    def process_data(input_data: dict[str, np.ndarray]) -> dict[str, np.ndarray]

It gets the columns that its input schema names, each with a row axis, and gives those of its output
schema for as many rows. It is its author's code: it runs in the replica, which is confined, and
finds numpy and pandas there. What it imports of its own must be imported at the top.
"""

import ast
import sys
import threading
import traceback
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from libs.domain.values import TensorSpec
from services.inference.engine.errors import BadModel, Refused
from services.inference.engine.python_sources import importable, sources
from services.inference.engine.request import Cancel
from services.inference.engine.tensors import Array, cast, zero_rows

ENTRY = "process_data"
_THEIRS = (Exception, SystemExit)  # what their code may raise; the replica goes on


class PythonStep:
    """BadModel if the archive holds no such step, or it can't be imported. Its calls wait for one
    another: nobody promised that it may be called by several threads. They can't be cancelled."""

    rows_at_once = sys.maxsize  # it may look at all of them

    def __init__(
        self, path: Path, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
    ) -> None:
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self._files = sources(path)
        self._process = _entry(self._files)
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
        except _THEIRS as error:
            raise Refused(500, f"the step failed: {self._place(error)}") from error
        if not isinstance(result, Mapping):
            raise Refused(500, f"the step gave a {type(result).__name__}, not a dict of arrays")
        return [_output(result, spec, rows) for spec in self.outputs]

    def _place(self, error: BaseException) -> str:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if frame.filename in self._files]
        place = f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
        return f"{type(error).__name__}: {error}{place}"


def _own(array: Array) -> Array:
    """The step's to change; requests in Arrow are not to be written to."""
    return array if array.flags.writeable else array.copy()


def _output(result: Mapping[str, Any], spec: TensorSpec, rows: int) -> Array:
    if spec.name not in result:
        names = ", ".join(map(repr, result)) or "nothing"
        raise Refused(500, f"the step gave {names}, but its output schema has {spec.name!r}")
    try:
        array = np.asarray(result[spec.name])
        if array.ndim == 0 or len(array) != rows:
            raise Refused(500, f"output {spec.name!r} of the step: not one value for each row")
        return cast(array, spec.name, spec)
    except (Refused, ValueError) as error:
        raise Refused(500, f"the step's output does not fit its schema: {error}") from error


def _entry(files: Mapping[str, str]) -> Callable[[dict[str, Array]], Any]:
    """The function process_data, of the one module that defines it."""
    entries = [name for name, text in files.items() if ENTRY in _functions(name, text)]
    if len(entries) != 1:
        raise BadModel(
            f"{len(entries)} modules of the archive define {ENTRY}(input_data); it takes one"
        )
    path = PurePosixPath(entries[0])
    folder = "" if path.parent == PurePosixPath(".") else f"{path.parent}/"
    modules = {
        name.removeprefix(folder): (name, text)
        for name, text in files.items()
        if name.startswith(folder)
    }
    _provide_types()
    try:
        with importable(modules) as load:
            function: Callable[[dict[str, Array]], Any] = getattr(load(path.stem), ENTRY)
    except _THEIRS as error:
        raise BadModel(f"{path.name} can't be imported: {_import_words(error)}") from error
    return function


def _functions(name: str, text: str) -> set[str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise BadModel(f"{name} is no Python: {error}") from error
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def _import_words(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"there is no {error.name!r}; steps find numpy and pandas, and their own files"
    return f"{type(error).__name__}: {error}"


def _provide_types() -> None:
    """The module from which steps import the type of their data, for its name alone."""
    package, module = types.ModuleType("mac"), types.ModuleType("mac.types")
    module.InferenceData = dict[str, np.ndarray]  # type: ignore[attr-defined]
    package.types = module  # type: ignore[attr-defined]
    sys.modules.setdefault("mac", package)
    sys.modules.setdefault("mac.types", module)
