"""The columns that the steps add to a request: what every answer and the log have."""

from typing import NamedTuple

import numpy as np

from services.inference.engine.flow import Flow, groups
from services.inference.engine.tensors import Array


class Output(NamedTuple):
    """A column of the group `out`, `out_<model>` or `anomaly`; `dtype` is ONNX's element type."""

    group: str
    name: str
    values: Array
    dtype: str
    absent: Array | None = None  # rows in which it is not

    @property
    def column(self) -> str:
        """By which it is selected, and logged."""
        return f"{self.group}.{self.name}"


def outputs_of(flow: Flow) -> list[Output]:
    """In the order in which they are shown."""
    outputs = []
    for group, result in zip(groups(flow), flow.results, strict=True):
        outputs += [
            Output(group, name, result.table[name], spec.dtype, result.absent.get(name))
            for spec in result.outputs
            for name in (spec.name,)
        ]
    if flow.split is not None:
        texts = np.array(flow.split, np.object_).reshape((-1, 1))
        outputs.append(Output("out", "_model_split", texts, "string"))
    return outputs + _anomalies(flow)


def _anomalies(flow: Flow) -> list[Output]:
    count = np.zeros(flow.rows, np.uint32)
    for each in flow.anomalies.values():
        count += each
    return [
        Output("anomaly", "count", count, "uint32"),
        *(Output("anomaly", name, each, "bool") for name, each in flow.anomalies.items()),
    ]
