"""Inferences as Arrow tables: a row for each row of a request, columns by flat names.

`time`, `in.*` as they were sent (numbers of JSON as float64), `out.*` and `anomaly.*` as they were
answered, `metadata.*`; and `request.*`: which request it was, whose, and its place in the log. A
replica may run a user's code, so nothing that it says is believed: what can't be read is left out,
and its name stands in `metadata.dropped`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Any, NamedTuple

import msgspec
import numpy as np
import orjson
import pyarrow as pa

from services.inference.logs.arrow_types import NoSuchType, plain, texts
from services.inference.record import RecordBody, RecordHead

MAX_ROWS = 5_000_000  # of a request
MAX_COLUMNS = 500  # of a request
MAX_NAME_LENGTH = 300
TIME = pa.timestamp("ms")

# What it can mean for a column, or all of them, that it can't be read.
_UNREADABLE = (
    *(pa.ArrowException, msgspec.DecodeError, orjson.JSONDecodeError, NoSuchType, RecursionError),
    *(ValueError, TypeError, KeyError, AttributeError, OverflowError, MemoryError),
)
_ELEMENTS: Mapping[str, pa.DataType] = (
    {
        "float": pa.float32(),
        "double": pa.float64(),
        "string": pa.string(),
        "bool": pa.bool_(),
    }
    | {
        str(kind): kind
        for kind in (
            *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
            *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        )
    }
    | {"float16": pa.float16()}
)
_TEXT = pa.string()
_NOTHING = RecordBody(1, "json", b"", b"", {}, "", [])
_MAX_INT64 = 2**63
_PARTS = ("in.", "out.", "out_", "anomaly.")

Column = tuple[str, pa.DataType | str | None, Any]


class Record(NamedTuple):
    """One inference: from the file of that number, where its frame begins at `offset`."""

    file: int
    offset: int
    head: RecordHead
    body: bytes | memoryview


class _Content(NamedTuple):
    """What could be read of a record: its columns, of `rows` values each, by their names and types.

    The type is Arrow's if the values are in an Arrow array; of values of JSON it is ONNX's, or
    empty.
    """

    record: Record
    body: RecordBody
    rows: int
    columns: dict[tuple[str, pa.DataType | str], pa.Array | list[Any]]
    dropped: list[str]


def tables(records: Iterable[Record]) -> Iterator[pa.Table]:
    """Their rows in the same order: a table for each run of records with the same columns."""
    contents = (one for one in map(_content, records) if one.rows)
    for _, run in groupby(contents, key=lambda one: [*one.columns]):
        group = list(run)
        try:
            yield _table(group)
        except _UNREADABLE:  # a value of one record doesn't go with those of another
            for one in group:
                yield _table_of(one)


def _table_of(one: _Content) -> pa.Table:
    columns: dict[tuple[str, pa.DataType | str], pa.Array | list[Any]] = {}
    dropped = list(one.dropped)
    for (name, kind), values in one.columns.items():
        try:
            array = _concatenated([values], kind)
        except _UNREADABLE:
            if kind:
                dropped.append(name)
                continue
            array = texts(values)  # of different kinds
        columns[name, array.type] = array
    return _table([one._replace(columns=columns, dropped=dropped)])


def _table(group: Sequence[_Content]) -> pa.Table:
    rows = np.array([one.rows for one in group])
    heads, bodies = [one.record.head for one in group], [one.body for one in group]
    columns = {"time": _repeated([head.time for head in heads], rows, TIME)}
    for name, kind in group[0].columns:
        columns[name] = _concatenated([one.columns[name, kind] for one in group], kind)
    columns |= {
        "metadata.last_model": _repeated([body.last_model for body in bodies], rows, _TEXT),
        "metadata.pipeline_version": _repeated([str(head.version) for head in heads], rows, _TEXT),
        "metadata.elapsed": _repeated([one.elapsed for one in bodies], rows, pa.list_(pa.int64())),
        "metadata.dropped": _repeated([one.dropped for one in group], rows, pa.list_(_TEXT)),
        "metadata.partition": _repeated([head.partition for head in heads], rows, _TEXT),
        "request.id": _repeated([str(head.id) for head in heads], rows, _TEXT),
        "request.caller": _repeated([head.caller for head in heads], rows, _TEXT),
        "request.run": _repeated([head.run and str(head.run) for head in heads], rows, _TEXT),
        "request.file": _repeated([one.record.file for one in group], rows, pa.int64()),
        "request.offset": _repeated([one.record.offset for one in group], rows, pa.int64()),
        "request.row": pa.array(np.concatenate([np.arange(n, dtype=np.int32) for n in rows])),
    }
    return pa.table(columns)


def _concatenated(parts: Sequence[pa.Array | list[Any]], kind: pa.DataType | str) -> pa.Array:
    if isinstance(kind, pa.DataType):
        return pa.concat_arrays(parts)
    values = list(chain.from_iterable(parts))
    return _typed_array(values, kind) if kind else _json_array(values)


def _repeated(values: list[Any], rows: Any, kind: pa.DataType) -> pa.Array:
    """Each value once for each row of its request."""
    array = pa.array(values, kind)
    if (rows == 1).all():
        return array
    return array.take(pa.array(np.repeat(np.arange(len(rows)), rows)))


def _content(record: Record) -> _Content:
    try:
        body = msgspec.msgpack.decode(record.body, type=RecordBody)
        if max(body.elapsed, default=0) >= _MAX_INT64:
            raise OverflowError
    except _UNREADABLE:
        return _Content(record, _NOTHING, 1, {}, ["in", "out"])
    readable: dict[str, tuple[pa.DataType | str, Any]] = {}
    dropped = [name[:MAX_NAME_LENGTH] for name in body.dropped[:MAX_COLUMNS]]
    for part, source in (("in", _inputs), ("out", _outputs)):
        try:
            for name, kind, values in source(body):
                if kind is None or len(values) != body.rows or not _has_place(name, readable):
                    dropped.append(name[:MAX_NAME_LENGTH])
                else:
                    readable[name] = kind, values
        except _UNREADABLE:
            dropped.append(part)
    if body.rows > MAX_ROWS or (body.rows > 0 and not readable):
        return _Content(record, body, 1, {}, [*dropped, *readable] or ["in", "out"])
    columns = {(name, kind): values for name, (kind, values) in readable.items()}
    return _Content(record, body, max(body.rows, 0), columns, dropped)


def _has_place(name: str, others: Collection[str]) -> bool:
    free = name not in others and len(others) < MAX_COLUMNS
    return free and len(name) <= MAX_NAME_LENGTH and name.startswith(_PARTS)


def _inputs(body: RecordBody) -> Iterator[Column]:
    if body.format == "arrow":
        for name, kind, values in _arrow_columns(pa.ipc.open_file(body.inputs)):
            yield f"in.{name}", kind, values
        return
    inputs = orjson.loads(body.inputs)
    if isinstance(inputs, dict):
        yield from ((f"in.{name}", "", values) for name, values in inputs.items())
        return
    for name in dict.fromkeys(chain.from_iterable(inputs)):
        yield f"in.{name}", "", [record.get(name) for record in inputs]


def _outputs(body: RecordBody) -> Iterator[Column]:
    if body.format == "arrow":
        yield from _arrow_columns(pa.ipc.open_stream(body.outputs))
        return
    for name, values in orjson.loads(body.outputs).items():
        yield name, body.types.get(name, ""), values


def _arrow_columns(reader: Any) -> Iterator[Column]:
    """None is the type of what can't be logged."""
    table = reader.read_all()
    table.validate(full=True)  # or what a replica sends could read memory that is not its own
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            array = pa.concat_arrays([plain(chunk) for chunk in column.chunks])
        except _UNREADABLE:
            yield name, None, ()
        else:
            yield name, array.type, array


def _typed_array(values: list[Any], element: str) -> pa.Array:
    """Of lists, or lists of lists, of such elements as ONNX has."""
    kind, value = _ELEMENTS[element], next((one for one in values if one is not None), None)
    while isinstance(value, list):
        kind, value = pa.list_(kind), next((one for one in value if one is not None), None)
    return pa.array(values, kind)


def _json_array(values: list[Any]) -> pa.Array:
    """As JSON has types: all numbers are float64. Raises for values of different kinds."""
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, OverflowError):  # for large integers, say
        array = pa.array([_with_floats(value) for value in values])
    return plain(array.cast(_of_floats(array.type), safe=False))


def _of_floats(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(kind):
        return pa.float64()
    if pa.types.is_list(kind):
        return pa.list_(_of_floats(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _of_floats(field.type)) for field in kind])
    return kind


def _with_floats(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_floats(one) for one in value]
    if isinstance(value, dict):
        return {name: _with_floats(one) for name, one in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
