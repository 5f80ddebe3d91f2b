"""What goes to a pipeline and what comes back, as bytes.

pandas and pyarrow are used when the caller hands in something of theirs, and only then: the SDK
does not need them.
"""

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TextIO
from urllib.parse import urlencode

from rondo import html

_RECORDS = "application/json; format=pandas-records"
_ARROW = "application/vnd.apache.arrow.file"


class Exchange(NamedTuple):
    """A request's body and headers, and what makes a result of the answer's body."""

    body: bytes
    headers: dict[str, str]
    decode: Callable[[bytes], Any]


class Columns(NamedTuple):
    """Which columns of an answer are wanted, and what stands between the parts of their names."""

    dataset: list[str]
    exclude: list[str]
    separator: str

    @staticmethod
    def of(
        dataset: Iterable[str] | None, exclude: Iterable[str] | None, separator: str | None
    ) -> "Columns":
        """As the arguments of `infer` say; metadata comes only when it is asked for."""
        chosen, excluded = list(dataset or ["*"]), list(exclude or [])
        if not any(name.partition(".")[0] == "metadata" for name in chosen):
            excluded.append("metadata")
        return Columns(chosen, excluded, separator or ".")

    @property
    def query(self) -> str:
        """Themselves in the query of a URL."""
        fields = [("dataset[]", name) for name in self.dataset]
        fields += [("dataset.exclude[]", name) for name in self.exclude]
        return urlencode([*fields, ("dataset.separator", self.separator)])

    def chosen(self, column: str) -> bool:
        """Whether they have the column of that name, with dots; a name stands for all below it."""

        def covered(names: list[str]) -> bool:
            return any(name == "*" or f"{column}.".startswith(f"{name}.") for name in names)

        return covered(self.dataset) and not covered(self.exclude)


class Rows(list[dict[str, Any]]):
    """Rows by the names of their columns. A notebook shows them as a table."""

    def _repr_html_(self) -> str:
        names = list(dict.fromkeys(name for row in self for name in row))
        texts = [{name: str(row.get(name, "")) for name in names} for row in self]
        return html.table(texts) if texts else "(no rows)"


def encode(tensor: Any) -> Exchange:
    """The request for inputs of any kind that `infer` takes; the answer is of the same kind.

    Raises TypeError for any other kind.
    """
    if isinstance(tensor, bytes):
        return _arrow(tensor, bytes)
    match type(tensor).__module__.partition(".")[0]:
        case "pandas":
            return _json(_text(tensor.to_dict("records")), _data_frame)
        case "pyarrow":
            return _arrow(_ipc_file(tensor), _table)
    if isinstance(tensor, (list, dict)):
        return _json(_text(tensor), _rows)
    raise TypeError(
        f"tensor: {type(tensor).__name__} can't be sent; give a list of records, a dict of columns,"
        " a DataFrame, an Arrow table, or the bytes of an Arrow file"
    )


def encode_file(path: str | os.PathLike[str]) -> Exchange:
    """The request for a file: `.json` is sent as it is, `.arrow` gives a pyarrow Table.

    Raises ValueError for other names, and for `.arrow` without pyarrow; OSError when it can't be
    read.
    """
    content, suffix = Path(path).read_bytes(), Path(path).suffix.lower()
    if suffix == ".json":
        return _json(content, _rows)
    if suffix != ".arrow":
        raise ValueError(f"filename: {os.fspath(path)!r} is neither .json nor .arrow")
    try:
        import pyarrow  # noqa: F401 - only whether it is there
    except ModuleNotFoundError:
        message = "filename: install pyarrow to get a table, or use infer(Path(...).read_bytes())"
        raise ValueError(message) from None
    return _arrow(content, _table)


def log_rows(page: list[dict[str, Any]], columns: "Columns") -> Iterator[dict[str, Any]]:
    """The nested records of a log as rows, with the names and the columns that `infer` gives."""
    for record in page:
        row = {}
        for group, value in record.items():
            parts = value.items() if isinstance(value, dict) else [("", value)]
            for name, one in parts:
                if columns.chosen(f"{group}.{name}" if name else group):
                    row[f"{group}{columns.separator}{name}" if name else group] = one
        yield row


def log_file(directory: str | os.PathLike[str], prefix: str) -> TextIO:
    """A new file for rows, in a folder that is made if need be."""
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / f"{prefix}.jsonl").open("w", encoding="utf-8")


def _json(body: bytes, decode: Callable[[bytes], Any]) -> Exchange:
    return Exchange(body, {"Content-Type": _RECORDS}, decode)


def _arrow(body: bytes, decode: Callable[[bytes], Any]) -> Exchange:
    return Exchange(body, {"Content-Type": _ARROW, "Accept": _ARROW, "format": "arrow"}, decode)


def _text(value: Any) -> bytes:
    """JSON. It has no NaN; null stands for it, and the platform takes it so."""
    try:
        return json.dumps(value, default=_plain, allow_nan=False).encode()
    except ValueError:
        return json.dumps(_without_nan(value)).encode()


def _plain(value: Any) -> Any:
    """An array or a number of numpy, a day or an instant, as JSON has it."""
    for method in ("tolist", "isoformat"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise TypeError(f"tensor: a value of type {type(value).__name__} can't be sent as JSON")


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(one) for one in value]
    if isinstance(value, float):
        if math.isinf(value):
            raise ValueError("tensor: JSON has no infinity; send an Arrow table")
        return None if math.isnan(value) else value
    if value is None or isinstance(value, (str, int)):
        return value
    return _without_nan(_plain(value))


def _rows(body: bytes) -> Rows:
    return Rows(json.loads(body))


def _data_frame(body: bytes) -> Any:
    import pandas as pd

    frame = pd.DataFrame(json.loads(body))
    if "time" in frame:
        frame["time"] = pd.to_datetime(frame["time"], unit="ms")
    return frame


def _ipc_file(table: Any) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _table(body: bytes) -> Any:
    import pyarrow as pa

    with pa.ipc.open_file(body) as reader:
        return reader.read_all()
