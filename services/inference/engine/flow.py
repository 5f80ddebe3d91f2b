"""One inference on its way through the steps."""

from typing import NamedTuple

from libs.domain.values import TensorSpec
from services.inference.engine.model import Columns, Model, TableColumns
from services.inference.engine.request import Cancel, Request
from services.inference.engine.tensors import Array, Table


class Result(NamedTuple):
    """What the models of a step gave. `absent` says by output in which rows it is not: where rows
    were given to different models."""

    model: Model  # the one that answers, or the first row's
    outputs: list[TensorSpec]
    table: Table
    absent: dict[str, Array]


class Flow:
    """`results` are those of the latest step that ran models, the one that answers first. `split`
    says for each row which model it was given, where one was chosen."""

    def __init__(self, request: Request, columns: Columns, cancel: Cancel | None) -> None:
        self.request = request
        self.columns = columns
        self.cancel = cancel
        self.rows = columns.rows
        self.results: list[Result] = []
        self.split: list[str] | None = None
        self.anomalies: dict[str, Array] = {}

    @property
    def inputs(self) -> Columns:
        """For the next model: the request's columns, or what the last one answered."""
        if not self.results:
            return self.columns
        return TableColumns(self.results[0].table, self.rows)


def groups(flow: Flow) -> list[str]:
    """How the results of each model are called: `out` for the one that answers, `out_<name>` for
    the others. Versions of one model are told apart by their numbers."""
    names: list[str] = []
    for place, result in enumerate(flow.results):
        deployed = result.model.deployed
        name = f"out_{deployed.name}" if place else "out"
        names.append(f"{name}-{deployed.number}" if name in names else name)
    return names
