"""Inputs of many rows in batches, and the results of the batches as one.

A batch is an input of the same kind: some rows of a list, of a DataFrame or of a Table.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rondo.errors import RondoError
from rondo.inference_data import Rows

Result = Any  # of a batch: rows of the kind that came in, or the error


class Batch(NamedTuple):
    """Some rows of an input, and how many."""

    tensor: Any
    rows: int


def split(tensor: Any, size: int) -> list[Batch]:
    """Batches of `size` rows, the last one of what is left; one without rows of an empty input.

    Raises TypeError for an input that has no rows, ValueError for a size below 1.
    """
    if size < 1:
        raise ValueError("batch_size: give 1 or more")
    starts = range(0, max(1, len(tensor) if hasattr(tensor, "__len__") else 0), size)
    match _kind(tensor):
        case "pandas":
            parts = [tensor.iloc[at : at + size].reset_index(drop=True) for at in starts]
        case "pyarrow":
            parts = [tensor.slice(at, size) for at in starts]
        case "list":
            parts = [tensor[at : at + size] for at in starts]
        case _:
            raise TypeError(
                f"tensor: {type(tensor).__name__} has no rows to take apart; give a DataFrame, an"
                " Arrow table, or a list of records"
            )
    return [Batch(part, len(part)) for part in parts]


def join(batches: Sequence[Batch], results: Sequence[Result]) -> Any:
    """The rows of all results, in order.

    If some batches failed, there is a column `error` besides: empty for rows that have a result,
    the reason for the others, which have nothing else. Raises the error if all of them failed.
    """
    failed = [one for one in results if isinstance(one, RondoError)]
    if failed and len(failed) == len(results):
        raise failed[0]
    sample = next((one for one in results if not isinstance(one, RondoError)), Rows())
    match _kind(sample):
        case "pandas":
            return _frames(batches, results, bool(failed))
        case "pyarrow":
            return _tables(batches, results, bool(failed))
        case _:
            return _lists(batches, results, bool(failed))


def _kind(value: Any) -> str:
    return "list" if isinstance(value, list) else type(value).__module__.partition(".")[0]


def _error(result: Result) -> str:
    return str(result) if isinstance(result, RondoError) else ""


def _lists(batches: Sequence[Batch], results: Sequence[Result], failed: bool) -> Rows:
    rows = Rows()
    for batch, result in zip(batches, results, strict=True):
        error = _error(result)
        found = [dict[str, Any]() for _ in range(batch.rows)] if error else result
        rows += [{**row, "error": error} for row in found] if failed else found
    return rows


def _frames(batches: Sequence[Batch], results: Sequence[Result], failed: bool) -> Any:
    import pandas as pd

    frames = []
    for batch, result in zip(batches, results, strict=True):
        error = _error(result)
        frame = pd.DataFrame(index=range(batch.rows)) if error else result
        frames.append(frame.assign(error=error) if failed else frame)
    joined = pd.concat(frames, ignore_index=True)
    return joined[[*joined.columns.drop("error"), "error"]] if failed else joined


def _tables(batches: Sequence[Batch], results: Sequence[Result], failed: bool) -> Any:
    import pyarrow as pa

    schema = next(one.schema for one in results if not isinstance(one, RondoError))
    tables = []
    for batch, result in zip(batches, results, strict=True):
        error = _error(result)
        table = _empty(schema, batch.rows) if error else result
        if failed:
            table = table.append_column("error", pa.array([error] * batch.rows, pa.string()))
        tables.append(table)
    return pa.concat_tables(tables)


def _empty(schema: Any, rows: int) -> Any:
    """Rows without values."""
    import pyarrow as pa

    nullable = pa.schema([field.with_nullable(True) for field in schema], schema.metadata)
    return pa.Table.from_arrays([pa.nulls(rows, field.type) for field in nullable], schema=schema)
