"""The columns that the steps add to a request: what every answer and the log have."""

from typing import NamedTuple

import numpy as np
import orjson

from services.inference.engine.flow import Flow
from services.inference.engine.tensors import Array


class Output(NamedTuple):
    """A column of the group `out`, `out_<model>` or `anomaly`; `dtype` is ONNX's element type."""

    group: str
    name: str
    values: Array
    dtype: str

    @property
    def column(self) -> str:
        """By which it is selected, and logged."""
        return f"{self.group}.{self.name}"


def outputs_of(flow: Flow) -> list[Output]:
    """In the order in which they are shown."""
    found = []
    for place, (model, table) in enumerate(flow.tables):
        group = f"out_{model.deployed.name}" if place else "out"
        found += [Output(group, spec.name, table[spec.name], spec.dtype) for spec in model.outputs]
    failed = np.zeros(flow.rows, np.uint32)
    found.append(Output("anomaly", "count", failed, "uint32"))
    return found


def record_json(outputs: list[Output]) -> bytes:
    """For the log: an object of columns by their flat names."""
    return orjson.dumps(
        {each.column: _plain(each.values) for each in outputs}, option=orjson.OPT_SERIALIZE_NUMPY
    )


def _plain(values: Array) -> object:
    return values.tolist() if values.dtype == np.object_ else values
