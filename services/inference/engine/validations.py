"""A step that looks for anomalies: the expressions of libs/domain/validation.py, by numpy."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from libs.domain.validation import (
    Binary,
    Column,
    Expression,
    Get,
    Literal,
    Unary,
    Validation,
)
from services.inference.engine.errors import Refused
from services.inference.engine.flow import Flow, groups
from services.inference.engine.tensors import Array

# The remainder has the sign of the left side.
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Lt": operator.lt,
    "LtEq": operator.le,
    "Gt": operator.gt,
    "GtEq": operator.ge,
    "And": operator.and_,
    "Or": operator.or_,
    "Xor": operator.xor,
    "Plus": operator.add,
    "Minus": operator.sub,
    "Multiply": operator.mul,
    "Divide": np.true_divide,
    "TrueDivide": np.true_divide,
    "FloorDivide": np.floor_divide,
    "Modulus": np.fmod,
}
_FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "Not": np.logical_not,
    "Abs": np.abs,
    "IsNan": np.isnan,
    "IsNotNan": lambda values: ~np.isnan(values),
}


class Validations:
    """Each says true or false for every row."""

    def __init__(self, validations: Sequence[Validation]) -> None:
        self._validations = validations

    def run(self, flow: Flow) -> None:
        """See Runnable. Refused(400) for one that does not fit the columns that are there."""
        for each in self._validations:
            try:
                with np.errstate(all="ignore"):
                    anomalies = np.asarray(_value(each.expression, flow))
            except (TypeError, ValueError, OverflowError) as error:
                raise Refused(400, f"validation {each.name!r}: {error}") from error
            flow.anomalies[each.name] = _by_row(anomalies, each.name, flow.rows)


def _by_row(anomalies: Array, name: str, rows: int) -> Array:
    if anomalies.dtype != np.bool_ or anomalies.size not in (1, rows):
        raise Refused(
            400,
            f"validation {name!r}: it must be true or false once a row; take one value of a list"
            " with .list.get(0), and compare it",
        )
    return np.ascontiguousarray(np.broadcast_to(anomalies.reshape(-1), (rows,)))


def _value(expression: Expression, flow: Flow) -> Any:
    match expression:
        case Column(name=name):
            return _column(name, flow)
        case Literal(value=value):
            return value
        case Get(of=of, index=index):
            return _at(_value(of, flow), index)
        case Unary(function=function, of=of):
            return _FUNCTIONS[function](_value(of, flow))
        case Binary(operator=name, left=left, right=right):
            return _OPERATORS[name](_value(left, flow), _value(right, flow))


def _at(values: Array, index: int) -> Array:
    """No number where the list is shorter."""
    if values.ndim < 2:
        raise ValueError("list.get of a column without lists")
    if not -values.shape[1] <= index < values.shape[1]:
        return np.full(len(values), np.nan)
    taken: Array = values[:, index]
    return taken


def _column(name: str, flow: Flow) -> Array:
    group, _, rest = name.partition(".")
    if group == "in" and rest in flow.columns.names:
        return flow.columns.array(rest)
    for shown, result in zip(groups(flow), flow.results, strict=True):
        if group == shown and rest in result.table:
            return result.table[rest]
    raise ValueError(f"there is no column {name!r}; use out.<output> or in.<column>")
