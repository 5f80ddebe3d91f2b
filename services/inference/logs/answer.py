"""A page of a log as users get it: an Arrow IPC file, or JSON."""

import json
from typing import Any

import orjson
import pyarrow as pa

from services.inference.logs.log_query import LogQuery
from services.inference.logs.page import Page

EMPTY = pa.table({"time": pa.array([], pa.timestamp("ms"))})


def arrow(page: Page, query: LogQuery) -> bytes:
    """The status is in the schema's metadata. Without rows there is the time alone: the published
    SDK looks into the first row of what else there is."""
    shown = _named(page.table, query.separator) if page.table.num_rows else EMPTY
    about = {"status": page.status, **({"next": {"cursor": page.next}} if page.next else {})}
    shown = shown.combine_chunks().replace_schema_metadata({"status": json.dumps(about)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, shown.schema) as writer:
        writer.write_table(shown)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def records(page: Page, query: LogQuery) -> bytes:
    """A JSON list of records: time in ms, floats as the shortest text of their own precision."""
    table = page.table
    columns = {name: _json_values(table[name]) for name in table.column_names if name != "time"}
    columns = {"time": table["time"].cast(pa.int64()).to_pylist()} | columns
    if query.separator is not None:
        shown = _renamed([*columns], query.separator)
        rows = zip(*columns.values(), strict=True)
        return _dumps([dict(zip(shown, row, strict=True)) for row in rows])
    places = [name.partition(".")[::2] for name in columns]
    rows = zip(*columns.values(), strict=True)
    return _dumps([_nested(places, row) for row in rows])


def _nested(places: list[tuple[str, str]], row: tuple[Any, ...]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for (part, name), value in zip(places, row, strict=True):
        if name:
            record.setdefault(part, {})[name] = value
        else:
            record[part] = value
    return record


def _named(table: pa.Table, separator: str | None) -> pa.Table:
    if separator is not None:
        return table.rename_columns(_renamed(table.column_names, separator))
    table = table.combine_chunks()
    parts: dict[str, dict[str, pa.ChunkedArray]] = {}
    for name in table.column_names:
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = table[name]
    return pa.table({part: _struct(columns) for part, columns in parts.items()})


def _struct(columns: dict[str, pa.ChunkedArray]) -> pa.ChunkedArray | pa.Array:
    if "" in columns:
        return columns[""]
    whole = [pa.concat_arrays(column.chunks) for column in columns.values()]
    return pa.StructArray.from_arrays(whole, [*columns])


def _renamed(names: list[str], separator: str) -> list[str]:
    return [name.replace(".", separator, 1) for name in names]


def _json_values(column: pa.ChunkedArray) -> list[Any]:
    shown = [_shortest(chunk) for chunk in column.chunks]
    try:
        return [value for chunk in shown for value in chunk.to_pylist()]
    except ValueError:  # times of nanoseconds, say
        return [value for chunk in shown for value in chunk.cast(pa.string()).to_pylist()]


def _shortest(array: pa.Array) -> pa.Array:
    """Floats of 32 and 16 bits as the float64 that has the same shortest text."""
    target = _widened(array.type)
    if target == array.type:
        return array
    return array.cast(_widened(array.type, pa.string())).cast(target)


def _widened(kind: pa.DataType, leaf: pa.DataType = pa.float64()) -> pa.DataType:  # noqa: B008
    if kind in (pa.float32(), pa.float16()):
        return leaf
    if pa.types.is_list(kind):
        return pa.list_(_widened(kind.value_type, leaf))
    if pa.types.is_large_list(kind):
        return pa.large_list(_widened(kind.value_type, leaf))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_widened(kind.value_type, leaf), kind.list_size)
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _widened(field.type, leaf)) for field in kind])
    return kind


def _dumps(rows: list[dict[str, Any]]) -> bytes:
    return orjson.dumps(rows, default=_text)


def _text(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)
