"""Answers in JSON: a record a row, flat where the request has a separator, else nested.

Numbers of the model are written as the shortest text of their own type: as float32, 718013.7 and
not 718013.6875. What came in is written as it came.
"""

from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import Any

import orjson

from services.inference.engine.errors import Refused
from services.inference.engine.json_request import JsonColumns
from services.inference.engine.outputs import Output, by_row
from services.inference.engine.request import Request
from services.inference.engine.selection import selects

# By group and name; the group of a column without one is "".
Parts = dict[str, dict[str, Iterable[Any]]]


def write(
    request: Request,
    columns: JsonColumns,
    outputs: list[Output],
    metadata: Mapping[str, Any],
) -> bytes:
    """Refused(400) for inputs that are nested too deep to be echoed."""
    parts = _parts(request, columns, outputs, metadata)
    records = _nested(parts) if request.separator is None else _flat(parts, request.separator)
    try:
        return orjson.dumps(records, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError as error:
        raise Refused(400, f"the inputs can't be echoed: {error}") from error


def _parts(
    request: Request,
    columns: JsonColumns,
    outputs: list[Output],
    metadata: Mapping[str, Any],
) -> Parts:
    """The columns that are wanted, in the order in which they are shown."""
    parts: Parts = {}

    def add(group: str, name: str, values: Iterable[Any]) -> None:
        column = f"{group}.{name}" if group else name
        if selects(request.dataset, request.exclude, column):
            parts.setdefault(group, {})[name] = values

    add("", "time", repeat(request.time_ms, columns.rows))
    for name in columns.names:
        add("in", name, [record.get(name) for record in columns.records])
    for output in outputs:
        add(output.group, output.name, by_row(output))
    for name, value in metadata.items():
        add("metadata", name, repeat(value, columns.rows))
    return parts


def _records(columns: Mapping[str, Iterable[Any]]) -> list[dict[str, Any]]:
    names = list(columns)
    return [dict(zip(names, row)) for row in zip(*columns.values())]  # noqa: B905 (hot, equal)


def _flat(parts: Parts, separator: str) -> list[dict[str, Any]]:
    return _records(
        {
            f"{group}{separator}{name}" if group else name: values
            for group, columns in parts.items()
            for name, values in columns.items()
        }
    )


def _nested(parts: Parts) -> list[dict[str, Any]]:
    nested: dict[str, Iterable[Any]] = {}
    for group, columns in parts.items():
        if group:
            nested[group] = _records(columns)
        else:
            nested.update(columns)
    return _records(nested)
