"""Answers as Arrow IPC files, and outputs for the log as an IPC stream.

The columns of the request go back as they came, without a copy. Types are those that every reader
since Arrow 14 knows, and the same in all answers of a pipeline.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from services.inference.engine.layout import layout
from services.inference.engine.outputs import Output
from services.inference.engine.request import Request
from services.inference.engine.tensors import Array

Column = tuple[pa.Field, pa.Array]

_METADATA_TYPES: Mapping[str, pa.DataType] = {
    "last_model": pa.string(),
    "pipeline_version": pa.string(),
    "elapsed": pa.list_(pa.uint64()),
    "dropped": pa.list_(pa.string()),
    "partition": pa.string(),
}


def write(
    request: Request,
    batch: pa.RecordBatch,
    outputs: Sequence[Output],
    metadata: Mapping[str, Any],
) -> bytes:
    """With a separator each column stands for itself, without one those of a group are a struct."""
    by_name = {(each.group, each.name): each for each in outputs}
    groups: dict[str, list[Column]] = {}
    for group, name in layout(request, batch.schema.names, outputs, metadata):
        if group == "":
            column = _time(name, request.time_ms, batch.num_rows)
        elif group == "in":
            column = (batch.schema.field(name), batch.column(name))
        elif group == "metadata":
            column = _same(name, metadata[name], batch.num_rows)
        else:
            column = _output(by_name[group, name])
        groups.setdefault(group, []).append(column)
    if request.separator is None:
        columns = [_nested(group, each) for group, each in groups.items()]
    else:
        columns = [
            (field.with_name(f"{group}{request.separator}{field.name}") if group else field, array)
            for group, each in groups.items()
            for field, array in each
        ]
    return _file(columns)


def record(outputs: Sequence[Output]) -> bytes:
    """The outputs alone, by their flat names."""
    arrays = [_array(each.values, each.absent) for each in outputs]
    batch = pa.RecordBatch.from_arrays(arrays, [each.column for each in outputs])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return _bytes(sink)


def _file(columns: Sequence[Column]) -> bytes:
    sink = pa.BufferOutputStream()
    batch = _batch(columns)
    with pa.ipc.new_file(sink, batch.schema) as file:
        file.write_batch(batch)
    return _bytes(sink)


def _batch(columns: Sequence[Column]) -> pa.RecordBatch:
    schema = pa.schema([field for field, _ in columns])
    return pa.RecordBatch.from_arrays([array for _, array in columns], schema=schema)


def _bytes(sink: pa.BufferOutputStream) -> bytes:
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _nested(group: str, columns: Sequence[Column]) -> Column:
    if group == "":
        return columns[0]
    fields = [field for field, _ in columns]
    array = pa.StructArray.from_arrays([array for _, array in columns], fields=fields)
    return pa.field(group, array.type), array


def _time(name: str, time_ms: int, rows: int) -> Column:
    array = pa.array(np.full(rows, time_ms, "datetime64[ms]"))
    return pa.field(name, array.type), array


def _same(name: str, value: Any, rows: int) -> Column:
    array = pa.repeat(pa.scalar(value, _METADATA_TYPES[name]), rows)
    return pa.field(name, array.type), array


def _output(output: Output) -> Column:
    array = _array(output.values, output.absent)
    return pa.field(output.name, array.type), array


def _array(values: Array, absent: Array | None) -> pa.Array:
    """Lists of values that are never null, as deep as there are axes. Only whole rows are null."""
    flat = values.reshape(-1)
    array = pa.array(flat.tolist(), pa.string()) if flat.dtype == np.object_ else pa.array(flat)
    for axis in range(values.ndim - 1, 0, -1):
        width = values.shape[axis]
        count = int(np.prod(values.shape[:axis], dtype=np.int64))
        offsets = pa.array(np.arange(count + 1, dtype=np.int32) * np.int32(width))
        kind = pa.list_(pa.field("inner", array.type, nullable=False))
        mask = pa.array(absent) if absent is not None and axis == 1 else None
        array = pa.ListArray.from_arrays(offsets, array, type=kind, mask=mask)
    return array
