"""The only file that imports onnxruntime: a model in memory, and what runs it.

Digits depend on the number of threads (sums over trees are grouped by thread), so it is given and
never the machine's. Threads wait asleep: spinning ones cost ten times the processor time at 20
requests a second.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime as ort

from libs.domain.values import TensorSpec
from services.inference.engine import load_errors
from services.inference.engine.batch_plan import MAX_TREE_ROWS
from services.inference.engine.errors import BadModel, Cancelled, Refused
from services.inference.engine.request import Cancel
from services.inference.engine.tensors import DTYPES, Array

_FATAL = 4  # errors come as exceptions
_MAX_TWICE_BYTES = 64 << 20  # of a model file that is loaded a second time, for small requests
# skl2onnx's ZipMap: for each row, the probability of each class.
_MAPS = ("seq(map(int64,tensor(float)))", "seq(map(string,tensor(float)))")


# More at once is run in parts: the runtime keeps the memory of its largest run for good. Parts are
# alike and of thousands, so none falls below the 51 rows from which trees are summed by thread.
MAX_RUN_ROWS = 10_000


class OnnxSession:
    """BadModel with the runtime's words if the file can't be loaded. Any number of threads may run
    it at once.

    Few rows of trees are the same to the last digit with one thread, which wakes no others and
    waits for none: a row then takes a third of the time on a busy machine.
    """

    rows_at_once, gives_lists = MAX_RUN_ROWS, True

    def __init__(self, path: Path, threads: int, *, trees: bool = False) -> None:
        self._session = _open(path, threads)
        twice = trees and threads > 1 and path.stat().st_size <= _MAX_TWICE_BYTES
        self._small = _open(path, 1) if twice else None
        self.inputs = [_spec(arg) for arg in self._session.get_inputs()]
        self.outputs = [_spec(arg) for arg in self._session.get_outputs()]
        self._names = [spec.name for spec in self.outputs]

    def run(self, feeds: Mapping[str, Array], cancel: Cancel | None) -> list[Any]:
        """The outputs in order. Refused(400) for inputs that the model does not take, Cancelled if
        `cancel` says so."""
        options = None
        if cancel is not None:
            options = ort.RunOptions()
            cancel.watch(options)
        session = self._session
        if self._small and len(next(iter(feeds.values()))) <= MAX_TREE_ROWS:
            session = self._small
        try:
            return list(session.run(self._names, feeds, options))
        except Exception as error:  # as above
            if cancel is not None and cancel.requested:
                raise Cancelled from error
            known = isinstance(error, ort.capi.onnxruntime_pybind11_state.InvalidArgument)
            raise Refused(400 if known else 500, f"the model failed: {_words(error)}") from error


def _open(path: Path, threads: int) -> ort.InferenceSession:
    try:
        return ort.InferenceSession(
            str(path), _options(threads), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the runtime's errors have no base of their own
        words = load_errors.sentence(_words(error, path))
        raise BadModel(f"the model can't be loaded: {words}") from error


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def _spec(arg: ort.NodeArg) -> TensorSpec:
    """BadModel for a type that has no form in a request or an answer."""
    if arg.type in _MAPS:
        return TensorSpec(name=arg.name, dtype="float", shape=[None, None])
    dtype = arg.type.removeprefix("tensor(").removesuffix(")")
    if dtype not in DTYPES:
        raise BadModel(
            f"{arg.name!r} is a {arg.type}, which can't be served; use tensors of"
            f" {', '.join(DTYPES)}"
        )
    shape = [size if isinstance(size, int) and size >= 0 else None for size in arg.shape]
    return TensorSpec(name=arg.name, dtype=dtype, shape=shape)


def _words(error: Exception, path: Path | None = None) -> str:
    """Without the runtime's prefix, and without our folders."""
    text = str(error)
    if text.startswith("[ONNXRuntimeError]"):
        text = text.split(" : ", 3)[-1]
    if path is not None:
        text = text.replace(str(path), "the file").replace(str(path.parent), "its folder")
    return text.strip()
