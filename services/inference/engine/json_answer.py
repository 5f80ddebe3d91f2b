"""Answers in JSON: a record a row, flat where the request has a separator, else nested.

Numbers of the model are written as the shortest text of their own type: as float32, 718013.7 and
not 718013.6875. What came in is written as it came.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import orjson

from services.inference.engine.errors import Refused
from services.inference.engine.layout import layout
from services.inference.engine.outputs import Output
from services.inference.engine.request import Request

Record = dict[str, Any]


def write(
    request: Request,
    records: Sequence[Record],
    inputs: Sequence[str],
    outputs: Sequence[Output],
    metadata: Mapping[str, Any],
) -> bytes:
    """Refused(400) for inputs that are nested too deep to be echoed."""
    by_name = {(each.group, each.name): each for each in outputs}
    groups: dict[str, dict[str, Iterable[Any]]] = {}
    for group, name in layout(request, inputs, outputs):
        values: Iterable[Any]
        if group == "":
            values = repeat(request.time_ms, len(records))
        elif group == "in":
            values = [record.get(name) for record in records]
        elif group == "metadata":
            values = repeat(metadata[name], len(records))
        else:
            values = _listed(by_name[group, name])
        groups.setdefault(group, {})[name] = values
    answer = _nested(groups) if request.separator is None else _flat(groups, request.separator)
    try:
        return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError as error:
        raise Refused(400, f"the inputs can't be echoed: {error}") from error


def record(outputs: Sequence[Output]) -> bytes:
    """For the log: an object of columns by their flat names."""
    return orjson.dumps(
        {each.column: _rows(each) for each in outputs}, option=orjson.OPT_SERIALIZE_NUMPY
    )


def _rows(output: Output) -> Iterable[Any]:
    """One value a row; None where there is none."""
    values = output.values
    rows: Iterable[Any] = values.tolist() if values.dtype == np.object_ else values
    if output.absent is None:
        return rows
    return [None if gone else row for row, gone in zip(rows, output.absent, strict=True)]


def _listed(output: Output) -> Iterable[Any]:
    """The same as Python's values, read from the shortest text of the numbers, so that they are
    written as that again: an array for each row would take longer to write."""
    rows = _rows(output)
    if not isinstance(rows, np.ndarray):
        return rows
    values: list[Any] = orjson.loads(orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY))
    return values


def _flat(groups: Mapping[str, Mapping[str, Iterable[Any]]], separator: str) -> list[Record]:
    return _records(
        {
            f"{group}{separator}{name}" if group else name: values
            for group, columns in groups.items()
            for name, values in columns.items()
        }
    )


def _nested(groups: Mapping[str, Mapping[str, Iterable[Any]]]) -> list[Record]:
    nested: dict[str, Iterable[Any]] = {}
    for group, columns in groups.items():
        if group:
            nested[group] = _records(columns)
        else:
            nested.update(columns)
    return _records(nested)


def _records(columns: Mapping[str, Iterable[Any]]) -> list[Record]:
    names = list(columns)
    return [dict(zip(names, row)) for row in zip(*columns.values())]  # noqa: B905 (hot, equal)
