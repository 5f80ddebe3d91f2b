"""Requests as Arrow IPC files: numbers, texts or lists of them, in any number of batches.

Whatever came is validated first: offsets of lists would be read outside of the body otherwise.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from libs.domain.values import TensorSpec
from services.inference import pyarrow_alone
from services.inference.engine import arrow_answer
from services.inference.engine.errors import Refused
from services.inference.engine.outputs import Output
from services.inference.engine.request import ARROW, Request
from services.inference.engine.tensors import Array, cast, fit
from services.inference.record import Format

pyarrow_alone.look()

# By their ids: to ask pa.types for each in turn takes longer than to make the tensor.
_LISTS = {pa.lib.Type_LIST, pa.lib.Type_LARGE_LIST, pa.lib.Type_FIXED_SIZE_LIST}
_SCALARS = {
    *(pa.lib.Type_INT8, pa.lib.Type_INT16, pa.lib.Type_INT32, pa.lib.Type_INT64),
    *(pa.lib.Type_UINT8, pa.lib.Type_UINT16, pa.lib.Type_UINT32, pa.lib.Type_UINT64),
    *(pa.lib.Type_HALF_FLOAT, pa.lib.Type_FLOAT, pa.lib.Type_DOUBLE, pa.lib.Type_BOOL),
    *(pa.lib.Type_STRING, pa.lib.Type_LARGE_STRING),
}


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

    def encode(
        self, request: Request, outputs: Sequence[Output], metadata: Mapping[str, Any]
    ) -> tuple[bytes, bytes]:
        """See RequestColumns."""
        return arrow_answer.write(request, self._batch, outputs, metadata)

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
    if kind.id in _LISTS:
        return _dense_lists(values, column)
    if isinstance(kind, pa.BaseExtensionType):
        return _dense(values.storage, column)
    if pa.types.is_dictionary(kind):
        return _dense(values.dictionary_decode(), column)
    if kind.id not in _SCALARS:
        raise Refused(400, f"column {column!r}: {kind} can't be a tensor; send numbers or text")
    array: Array = values.to_numpy(zero_copy_only=False)
    return array


def _dense_lists(lists: pa.Array, column: str) -> Array:
    """A null row has no values below it, and lists of different lengths would do as one tensor of
    another shape: both are looked for."""
    rows = len(lists)
    if lists.null_count:
        at = lists.is_null().index(True).as_py()
        raise Refused(400, f"column {column!r}: row {at} is null; send a list in each row")
    if pa.types.is_fixed_size_list(lists.type):
        width = lists.type.list_size
        start = lists.offset * width
    else:
        offsets = lists.offsets.to_numpy()
        start, width = int(offsets[0]), int(offsets[1] - offsets[0]) if rows else 0
        if (offsets[1:] - offsets[:-1] != width).any():
            raise Refused(400, f"column {column!r}: its rows have different lengths")
    # As flatten() of Arrow does, which takes 0.1 ms.
    inner = _dense(lists.values.slice(start, rows * width), column)
    return inner.reshape((rows, width, *inner.shape[1:]))
