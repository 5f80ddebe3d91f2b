"""Values of a request as the tensors that a model takes, and its outputs by row."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libs.domain.values import TensorSpec
from services.inference.engine.errors import Refused

Array = NDArray[Any]
# Outputs by name, each with a row axis and at least one more.
Table = dict[str, Array]

# ONNX's element types that numpy, JSON and Arrow can all say.
DTYPES: dict[str, Any] = {
    "float": np.float32,
    "double": np.float64,
    "float16": np.float16,
    "int64": np.int64,
    "int32": np.int32,
    "int16": np.int16,
    "int8": np.int8,
    "uint64": np.uint64,
    "uint32": np.uint32,
    "uint16": np.uint16,
    "uint8": np.uint8,
    "bool": np.bool_,
    "string": np.object_,
}
_KINDS = {name: np.dtype(dtype).kind for name, dtype in DTYPES.items()}


def from_values(values: list[Any], column: str, spec: TensorSpec) -> Array:
    """One value or (nested) list of values a row, as JSON has them. A null is NaN where the model
    takes floats."""
    if spec.dtype == "string":
        return cast(np.array(values, dtype=np.object_), column, spec)
    try:
        array = np.array(values)
    except (ValueError, OverflowError) as error:
        raise Refused(400, f"column {column!r}: its rows have different lengths") from error
    if array.dtype == np.object_:
        array = _without_nulls(array, column, spec)
    return cast(array, column, spec)


def from_anything(values: list[Any], column: str) -> Array:
    """As doubles where they are numbers, else as objects."""
    if any(isinstance(value, str | dict) for value in values):
        return np.array(values, np.object_)
    return from_values(values, column, TensorSpec(name=column, dtype="double"))


def _without_nulls(array: Array, column: str, spec: TensorSpec) -> Array:
    odd = next((x for x in array.flat if not (x is None or isinstance(x, bool | int | float))), 0)
    if isinstance(odd, list):
        raise Refused(400, f"column {column!r}: its rows have different lengths")
    if isinstance(odd, str | dict):
        raise Refused(400, f"column {column!r}: {type(odd).__name__} where numbers are needed")
    if _KINDS[spec.dtype] != "f":
        raise Refused(
            400, f"column {column!r}: a null or too large number, but the model takes {spec.dtype}"
        )
    return array.astype(np.float64)


def cast(array: Array, column: str, spec: TensorSpec) -> Array:
    """As the element type that the model takes; Refused(400) if that would change a value by more
    than the rounding of floats."""
    dtype = DTYPES[spec.dtype]
    if array.dtype == dtype and dtype is not np.object_:
        return array
    kind = _KINDS[spec.dtype]
    if dtype is np.object_:
        if not all(isinstance(each, str) for each in array.flat):
            raise Refused(400, f"column {column!r}: the model takes text; send strings")
        return array
    if array.dtype.kind not in ("b" if kind == "b" else "biuf") and array.size:
        raise Refused(400, f"column {column!r}: {_word(array)}, but the model takes {spec.dtype}")
    if kind == "f":
        with np.errstate(over="ignore"):
            return array.astype(dtype)
    with np.errstate(invalid="ignore"):
        whole = array.astype(dtype)
    if not np.array_equal(whole, array):
        raise Refused(
            400, f"column {column!r}: values that are no {spec.dtype}, which the model takes"
        )
    return whole


def _word(array: Array) -> str:
    return {"U": "text", "O": "text or objects", "b": "true and false"}.get(
        array.dtype.kind, "numbers"
    )


def fit(array: Array, column: str, spec: TensorSpec) -> Array:
    """In the shape that the model takes, if each row has as many values as that: a flat row is one
    of any rank, and a single value is one of one. Refused(400) otherwise."""
    sizes = spec.shape[1:]
    if not spec.shape or _matches(array.shape[1:], sizes):
        return array
    width = prod(array.shape[1:])
    if None not in sizes and width == prod(size for size in sizes if size is not None):
        return array.reshape((len(array), *(size or 0 for size in sizes)))
    if array.ndim == 1 and sizes == [None]:
        return array.reshape((-1, 1))
    raise Refused(
        400,
        f"column {column!r}: rows of shape {list(array.shape[1:])}, but input {spec.name!r} takes"
        f" {['any' if size is None else size for size in sizes]}; send as many values in each row",
    )


def _matches(shape: Sequence[int], sizes: Sequence[int | None]) -> bool:
    if shape == tuple(sizes):
        return True
    return len(shape) == len(sizes) and all(
        size is None or size == has for size, has in zip(sizes, shape, strict=True)
    )


def zero_rows(spec: TensorSpec) -> Array:
    """No row of what `spec` says, with one value a row where it says nothing."""
    sizes = [size or 0 for size in spec.shape[1:]] if spec.shape else [1]
    return np.empty((0, *sizes), DTYPES[spec.dtype])


def zeros(spec: TensorSpec, rows: int) -> Array:
    """Rows that a model of unknown meaning may be run with: as many as it takes if it says so, and
    one value where it leaves the size open."""
    first = (spec.shape[0] if spec.shape else None) or rows
    sizes = [size or 1 for size in spec.shape[1:]] if spec.shape else [1]
    return np.full((first, *sizes), "" if spec.dtype == "string" else 0, DTYPES[spec.dtype])
