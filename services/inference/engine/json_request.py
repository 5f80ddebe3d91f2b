"""Requests in JSON: a list of records, or an object of columns (the format `wallaroo`)."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from libs.domain.values import TensorSpec
from services.inference.engine import json_answer
from services.inference.engine.errors import Refused
from services.inference.engine.json_answer import Record
from services.inference.engine.outputs import Output
from services.inference.engine.request import JSON, Request
from services.inference.engine.tensors import Array, fit, from_anything, from_values
from services.inference.record import Format


class JsonColumns:
    """Records, each a row. The columns are those of the first one."""

    of_step = False
    format: Format = "json"
    media_type = JSON

    def __init__(self, records: list[Record]) -> None:
        self.records = records
        self.rows = len(records)
        self.names = list(records[0]) if records else []

    def tensor(self, column: str, spec: TensorSpec) -> Array:
        """See Columns."""
        return fit(from_values(self.values(column), column, spec), column, spec)

    def array(self, column: str) -> Array:
        """See Columns."""
        return from_anything(self.values(column), column)

    def values(self, column: str) -> list[Any]:
        """See Columns."""
        try:
            return [record[column] for record in self.records]
        except KeyError:
            row = next(at for at, each in enumerate(self.records) if column not in each)
            raise Refused(
                400, f"column {column!r} is missing in row {row}; send it in all"
            ) from None

    def encode(
        self, request: Request, outputs: Sequence[Output], metadata: Mapping[str, Any]
    ) -> tuple[bytes, bytes]:
        """See RequestColumns."""
        body = json_answer.write(request, self.records, self.names, outputs, metadata)
        return body, json_answer.record(outputs)


def read(body: bytes) -> JsonColumns:
    """Refused(400) for what is neither records nor columns."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"the body is no JSON: {error}") from error
    if isinstance(value, dict):
        return JsonColumns(_of_columns(value))
    if isinstance(value, list) and all(type(record) is dict for record in value):
        return JsonColumns(value)
    if isinstance(value, list) and all(type(row) is list for row in value):
        return JsonColumns([{"tensor": row} for row in value])
    raise Refused(400, 'the body: send a list of records, [{"column": value, ...}, ...]')


def _of_columns(columns: dict[str, Any]) -> list[Record]:
    lengths = {len(each) if isinstance(each, list) else -1 for each in columns.values()}
    if len(lengths) != 1 or -1 in lengths:
        raise Refused(400, "the body: send each column as a list, and all of one length")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
