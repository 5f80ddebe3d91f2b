"""One inference on its way through the steps."""

from services.inference.engine.model import Columns, Model, Table, TableColumns
from services.inference.engine.request import Cancel, Request
from services.inference.engine.tensors import Array


class Flow:
    """`tables` are the outputs of the models of the latest step that ran some, the one that answers
    first. `split` says for each row which model it was given, if one was chosen."""

    def __init__(self, request: Request, columns: Columns, cancel: Cancel | None) -> None:
        self.request = request
        self.columns = columns
        self.cancel = cancel
        self.rows = columns.rows
        self.tables: list[tuple[Model, Table]] = []
        self.split: list[str] | None = None
        self.checks: dict[str, Array] = {}

    @property
    def inputs(self) -> Columns:
        """For the next model: the request's columns, or what the last one answered."""
        if not self.tables:
            return self.columns
        return TableColumns(self.tables[0][1], self.rows)
