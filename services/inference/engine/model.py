"""A model of a deployment: from the columns of a request, or of the step before, to its outputs."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import orjson

from libs.domain.values import DeployedModel, TensorSpec
from services.inference.engine.batching import Batches, can_batch
from services.inference.engine.errors import BadModel, Refused
from services.inference.engine.request import Cancel
from services.inference.engine.tensors import Array, Table, cast, fit, zero_rows


class Columns(Protocol):
    """A request's columns, or the outputs of a step, as what models take."""

    of_step: bool  # their names are those of outputs, so fields of a request may be others
    rows: int
    names: list[str]

    def tensor(self, column: str, spec: TensorSpec) -> Array:
        """As `spec` says, a row each. Refused(400) if it can't be."""
        ...

    def array(self, column: str) -> Array:
        """As numpy's values, whatever they are. Refused(400) for rows of different lengths."""
        ...

    def values(self, column: str) -> list[Any]:
        """As Python's values, one a row."""
        ...


class Session(Protocol):
    """A model in memory."""

    inputs: list[TensorSpec]
    outputs: list[TensorSpec]
    rows_at_once: int  # more are run in parts
    gives_lists: bool  # an output of one value a row is shown as a list of one

    def run(self, feeds: Mapping[str, Array], cancel: Cancel | None) -> Sequence[Any]:
        """The outputs in order. Refused, or Cancelled."""
        ...


class Model:
    """Any number of threads may run it at once. BadModel if its config is another model's."""

    def __init__(self, deployed: DeployedModel, session: Session) -> None:
        self.deployed = deployed
        self.inputs = deployed.inputs or session.inputs
        self.outputs = deployed.outputs or session.outputs
        self.last_model = orjson.dumps(
            {"model_name": deployed.name, "model_sha": deployed.sha}
        ).decode()
        self.split_text = orjson.dumps(_as_the_wire(deployed)).decode()
        self._session = session
        fields = deployed.tensor_fields
        if fields and len(fields) != len(self.inputs):
            raise BadModel(
                f"model {deployed.name!r}: tensor_fields names {len(fields)} columns for"
                f" {len(self.inputs)} inputs; configure it with one for each"
            )
        first = self.inputs[0].shape[:1] if self.inputs else []
        self._rows_at_once = first[0] if first else None
        self._batches = None
        if deployed.batching is not None and can_batch(self.inputs, self.outputs):
            self._batches = Batches(deployed.batching, deployed.trees, self._run)

    def feeds(self, columns: Columns) -> dict[str, Array]:
        """Its inputs. Refused(400) names the column that is missing or does not fit."""
        if not columns.rows:
            return {spec.name: zero_rows(spec) for spec in self.inputs}
        fields = self.deployed.tensor_fields
        if not fields or (columns.of_step and not set(fields) <= set(columns.names)):
            fields = self._columns_of(columns.names)
        return {
            spec.name: columns.tensor(field, spec)
            for spec, field in zip(self.inputs, fields, strict=True)
        }

    def _columns_of(self, names: Sequence[str]) -> list[str]:
        """Those named like the inputs; the only column for the only input, whatever its name."""
        wanted = [spec.name for spec in self.inputs]
        if len(wanted) == len(names) == 1:
            return list(names)
        missing = [name for name in wanted if name not in names]
        if missing:
            raise Refused(
                400,
                f"model {self.deployed.name!r} takes {', '.join(map(repr, wanted))}, but the"
                f" columns are {', '.join(map(repr, names)) or 'none'}; name them so, or configure"
                " the model with tensor_fields",
            )
        return wanted

    def run(self, feeds: Mapping[str, Array], rows: int, cancel: Cancel | None = None) -> Table:
        """The outputs of `rows` rows; with those of other requests, where that is configured."""
        if self._batches is not None:
            return self._batches.run(feeds, rows, cancel)
        return self._run(feeds, rows, cancel)

    def _run(self, feeds: Mapping[str, Array], rows: int, cancel: Cancel | None) -> Table:
        at_once = self._rows_at_once or self._session.rows_at_once
        if rows == at_once or (rows < at_once and not self._rows_at_once):
            return self._run_once(feeds, rows, cancel)
        if self._rows_at_once and rows % at_once:
            raise Refused(
                400, f"model {self.deployed.name!r} takes {at_once} rows at a time; send as many"
            )
        if not rows:
            return {spec.name: self._by_row(zero_rows(spec), spec, 0) for spec in self.outputs}
        parts = []
        for at in _parts(rows, at_once):
            part = {name: each[at] for name, each in feeds.items()}
            parts.append(self._run_once(part, at.stop - at.start, cancel))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _run_once(self, feeds: Mapping[str, Array], rows: int, cancel: Cancel | None) -> Table:
        values = self._session.run(feeds, cancel)
        return {
            spec.name: self._by_row(value, spec, rows)
            for spec, value in zip(self.outputs, values, strict=True)
        }

    def _by_row(self, value: Any, spec: TensorSpec, rows: int) -> Array:
        """An output without a row axis is the same for each row."""
        if isinstance(value, list):
            value = _of_maps(value)
        array: Array = np.asarray(value)
        if not _has_rows(array, spec, rows):
            array = np.broadcast_to(array, (rows, *array.shape))
        if array.ndim == 1 and self._session.gives_lists:
            array = array.reshape((-1, 1))
        return np.ascontiguousarray(array)


def _as_the_wire(deployed: DeployedModel) -> dict[str, Any]:
    """As `_model_split` says which model a row was given, since 2024.4."""
    return {
        "model_version": {
            "id": deployed.number,
            "name": deployed.name,
            "visibility": "private",
            "status": "ready",
            "conversion": {"framework": deployed.framework},
            "file_info": {"version": str(deployed.version), "sha": deployed.sha},
        },
        "config": {
            "id": deployed.config,
            "model_version_id": deployed.number,
            "runtime": deployed.framework,
            "tensor_fields": deployed.tensor_fields or None,
        },
    }


def _parts(rows: int, at_once: int) -> list[slice]:
    """As few as there can be, alike within a row."""
    count = -(-rows // at_once)
    edges = [rows * part // count for part in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def _has_rows(array: Array, spec: TensorSpec, rows: int) -> bool:
    """By what the probe saw; an output of unknown shape has them if their number is right."""
    if array.ndim == 0 or len(array) != rows:
        return False
    return not spec.shape or spec.shape[0] is None or spec.shape[0] == rows


def _of_maps(maps: list[dict[Any, float]]) -> Array:
    """The probabilities of ZipMap, by class in order, as one column of lists."""
    keys = sorted(maps[0]) if maps else []
    return np.array([[each[key] for key in keys] for each in maps], np.float32).reshape(
        (len(maps), len(keys))
    )


class TableColumns:
    """The outputs of a step, for the next one."""

    of_step = True

    def __init__(self, table: Table, rows: int) -> None:
        self.rows = rows
        self.names = list(table)
        self._table = table

    def tensor(self, column: str, spec: TensorSpec) -> Array:
        """See Columns."""
        return fit(cast(self._table[column], column, spec), column, spec)

    def array(self, column: str) -> Array:
        """See Columns."""
        return self._table[column]

    def values(self, column: str) -> list[Any]:
        """See Columns."""
        values: list[Any] = self._table[column].tolist()
        return values
