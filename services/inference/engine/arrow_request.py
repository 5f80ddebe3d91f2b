"""Requests as Arrow IPC files: numbers, texts or lists of them, in any number of batches.

Whatever came is validated first: offsets of lists would be read outside of the body otherwise.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from libs.domain.values import TensorSpec
from services.inference.engine import arrow_answer
from services.inference.engine.errors import Refused
from services.inference.engine.outputs import Output
from services.inference.engine.request import ARROW, Request
from services.inference.engine.tensors import Array, cast, fit
from services.inference.record import Format


class ArrowColumns:
    """One record batch, whatever number of them the file had."""

    of_step = False
    format: Format = "arrow"
    media_type = ARROW

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch
        self.rows: int = batch.num_rows
        self.names: list[str] = batch.schema.names

    def tensor(self, column: str, spec: TensorSpec) -> Array:
        """See Columns."""
        return fit(cast(self.array(column), column, spec), column, spec)

    def array(self, column: str) -> Array:
        """See Columns."""
        return _dense(self._column(column), column)

    def values(self, column: str) -> list[Any]:
        """See Columns."""
        values: list[Any] = self._column(column).to_pylist()
        return values

    def answer(
        self, request: Request, outputs: Sequence[Output], metadata: Mapping[str, Any]
    ) -> bytes:
        """See RequestColumns."""
        return arrow_answer.write(request, self._batch, outputs, metadata)

    def record(self, outputs: Sequence[Output]) -> bytes:
        """See RequestColumns."""
        return arrow_answer.record(outputs)

    def _column(self, column: str) -> pa.Array:
        if column not in self.names:
            raise Refused(
                400, f"column {column!r} is missing; there are {', '.join(map(repr, self.names))}"
            )
        return self._batch.column(column)


def read(body: bytes) -> ArrowColumns:
    """Refused(400) for what is no Arrow file, or one that lies about itself."""
    try:
        batch = _one_batch(pa.ipc.open_file(body))
        batch.validate(full=True)
        names = batch.schema.names
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise Refused(400, f"the body is no Arrow IPC file: {error}") from error
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Refused(400, f"columns {', '.join(map(repr, twice))} are there twice; rename one")
    return ArrowColumns(batch)


def _one_batch(file: pa.RecordBatchFileReader) -> pa.RecordBatch:
    if file.num_record_batches == 1:
        return file.get_batch(0)
    batches = file.read_all().combine_chunks().to_batches()
    if len(batches) > 1:
        raise Refused(413, "the batches are too large together; send them one by one")
    if batches:
        return batches[0]
    empty = [pa.array([], field.type) for field in file.schema]
    return pa.RecordBatch.from_arrays(empty, schema=file.schema)


def _dense(values: pa.Array, column: str) -> Array:
    """Of lists, an axis more for each level; without a copy where there are no nulls. A null among
    numbers is NaN."""
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return _dense(values.storage, column)
    if pa.types.is_dictionary(kind):
        return _dense(values.dictionary_decode(), column)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _dense_lists(values, column)
    if not (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
    ):
        raise Refused(400, f"column {column!r}: {kind} can't be a tensor; send numbers or text")
    array: Array = values.to_numpy(zero_copy_only=False)
    return array


def _dense_lists(values: pa.Array, column: str) -> Array:
    """`flatten` skips null rows, and says nothing of different lengths: both are looked for."""
    rows = len(values)
    if values.null_count:
        at = values.is_null().index(True).as_py()
        raise Refused(400, f"column {column!r}: row {at} is null; send a list in each row")
    if pa.types.is_fixed_size_list(values.type):
        width = values.type.list_size
    else:
        widths = np.diff(values.offsets.to_numpy())
        width = int(widths[0]) if rows else 0
        if (widths != width).any():
            raise Refused(400, f"column {column!r}: its rows have different lengths")
    inner = _dense(values.flatten(), column)
    return inner.reshape((rows, width, *inner.shape[1:]))
