"""What an uploaded model takes and gives, found by loading and running it.

To be called in a process of its own, with limits on memory and time: a model may loop for ever.
"""

import mmap
from pathlib import Path

import msgspec

from libs.domain.model_version import FRAMEWORKS
from libs.domain.values import TensorSpec
from services.inference.engine.environment_step import EnvironmentStep, StepProcess
from services.inference.engine.errors import BadModel, Refused
from services.inference.engine.onnx_session import OnnxSession
from services.inference.engine.python_step import PythonStep
from services.inference.engine.tensors import Array, zeros

# Of the outputs in order; None if the model did not run.
Shapes = list[tuple[int, ...]] | None


class Probe(msgspec.Struct, frozen=True):
    """`shape[0]` of an output is None if it has a row for each row of the inputs; `trees` says that
    it sums over trees; `warnings` are what its libraries had to say."""

    inputs: list[TensorSpec]
    outputs: list[TensorSpec]
    trees: bool
    warnings: list[str] = []


def probe(
    path: Path,
    framework: str,
    input_schema: str = "",
    output_schema: str = "",
    *,
    process: StepProcess | None = None,
) -> Probe:
    """The schemas are for what can't say it itself, `process` for what runs in an environment.
    BadModel says why it can't be served."""
    if not path.stat().st_size:
        raise BadModel("the file is empty; upload the model again")
    if process is not None:
        inputs, outputs = _schemas(input_schema, output_schema)
        step = EnvironmentStep(process, framework, inputs, outputs)
        return Probe(inputs, outputs, trees=False, warnings=step.warnings)
    match framework:
        case "onnx":
            return _probe_onnx(path)
        case "python" | "custom":
            return _probe_python(path, framework, input_schema, output_schema)
        case _:
            raise BadModel(
                f"framework {framework!r} can't be served; convert the model to"
                f" {', '.join(FRAMEWORKS)} and upload that"
            )


def _probe_python(path: Path, framework: str, input_schema: str, output_schema: str) -> Probe:
    inputs, outputs = _schemas(input_schema, output_schema)
    PythonStep(path, framework, inputs, outputs)
    return Probe(inputs, outputs, trees=False)


def _schemas(inputs: str, outputs: str) -> tuple[list[TensorSpec], list[TensorSpec]]:
    from services.inference.engine import arrow_schema  # brings pyarrow, which models do without

    return (
        arrow_schema.specs(inputs, "input_schema"),
        arrow_schema.specs(outputs, "output_schema"),
    )


def _probe_onnx(path: Path) -> Probe:
    session = OnnxSession(path, threads=1)
    if not session.inputs:
        raise BadModel("the model takes no inputs, so it can't answer by row")
    if not session.outputs:
        raise BadModel("the model gives no outputs")
    one, two = (_shapes(session, rows) for rows in (1, 2))
    return Probe(_inputs(session, one, two), _outputs(session, one, two), _has_trees(path))


def _shapes(session: OnnxSession, rows: int) -> Shapes:
    """Of the outputs for so many rows of zeros, which may not be what it takes."""
    feeds = {spec.name: zeros(spec, rows) for spec in session.inputs}
    try:
        return [_shape(value) for value in session.run(feeds, None)]
    except Refused:
        return None


def _shape(value: Array | list[dict[object, float]]) -> tuple[int, ...]:
    if isinstance(value, list):
        return (len(value), len(value[0]) if value else 0)
    return value.shape


def _inputs(session: OnnxSession, one: Shapes, two: Shapes) -> list[TensorSpec]:
    """A model that runs one row, but not two, takes one row at a time."""
    if one is None or two is not None:
        return session.inputs
    return [msgspec.structs.replace(spec, shape=[1, *spec.shape[1:]]) for spec in session.inputs]


def _outputs(session: OnnxSession, one: Shapes, two: Shapes) -> list[TensorSpec]:
    if one is None:
        return session.outputs
    guessed = any(None in spec.shape[1:] or not spec.shape for spec in session.inputs)
    return [
        msgspec.structs.replace(spec, shape=_merged(spec.shape, first, second, guessed))
        for spec, first, second in zip(session.outputs, one, two or one, strict=True)
    ]


def _merged(
    declared: list[int | None], one: tuple[int, ...], two: tuple[int, ...], guessed: bool
) -> list[int | None]:
    """The shape that was seen, unless it came of guessed sizes: then the declared one, as far as it
    goes. Only the first axis is believed to be of rows."""
    rows = one[:1] == (1,) and two[:1] == (2,)
    sizes: list[int | None] = list(one)
    if rows:
        sizes[0] = None
    if guessed and len(declared) == len(sizes):
        sizes[1:] = declared[1:]
    return sizes


def _has_trees(path: Path) -> bool:
    """By the names of its operators, which stand in the file as they are."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"TreeEnsemble") >= 0
