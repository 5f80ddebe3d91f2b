"""Conditions on the columns of an answer, for `add_validations`.

They are written down as polars 0.18 writes its expressions, which is what pipelines understand.
"""

import json
from typing import Any, Union

Operand = Union["Expression", float, int, str, bool]


class Expression:
    """A value of each row: compare it, calculate with it, or take one value of a list by `[n]`.

    Conditions are joined by `&` and `|`, and turned around by `~`; put each in parentheses.
    """

    def __init__(self, tree: dict[str, Any]) -> None:
        self._tree = tree

    def alias(self, name: str) -> "Expression":
        """The same, with a name."""
        return Expression({"Alias": [self._tree, name]})

    def write_json(self) -> str:
        """Itself as JSON."""
        return json.dumps(self._tree)

    def is_nan(self) -> "Expression":
        """Whether it is not a number."""
        return self._function({"Boolean": "IsNan"})

    def __abs__(self) -> "Expression":
        return self._function("Abs")

    def __getitem__(self, index: int) -> "Expression":
        return self._function({"ListExpr": "Get"}, {"Literal": {"Int64": index}})

    def __invert__(self) -> "Expression":
        return self._function({"Boolean": "IsNot"})

    def __lt__(self, other: Operand) -> "Expression":
        return self._binary("Lt", other)

    def __le__(self, other: Operand) -> "Expression":
        return self._binary("LtEq", other)

    def __gt__(self, other: Operand) -> "Expression":
        return self._binary("Gt", other)

    def __ge__(self, other: Operand) -> "Expression":
        return self._binary("GtEq", other)

    def __eq__(self, other: Operand) -> "Expression":  # type: ignore[override]
        return self._binary("Eq", other)

    def __ne__(self, other: Operand) -> "Expression":  # type: ignore[override]
        return self._binary("NotEq", other)

    __hash__ = object.__hash__

    def __and__(self, other: Operand) -> "Expression":
        return self._binary("And", other)

    def __or__(self, other: Operand) -> "Expression":
        return self._binary("Or", other)

    def __add__(self, other: Operand) -> "Expression":
        return self._binary("Plus", other)

    def __sub__(self, other: Operand) -> "Expression":
        return self._binary("Minus", other)

    def __mul__(self, other: Operand) -> "Expression":
        return self._binary("Multiply", other)

    def __truediv__(self, other: Operand) -> "Expression":
        return self._binary("TrueDivide", other)

    def __bool__(self) -> bool:
        raise TypeError("a condition on columns is neither true nor false here; join with & and |")

    def _function(self, name: object, *more: dict[str, Any]) -> "Expression":
        return Expression({"Function": {"input": [self._tree, *more], "function": name}})

    def _binary(self, operator: str, other: Operand) -> "Expression":
        right = other._tree if isinstance(other, Expression) else _literal(other)
        return Expression({"BinaryExpr": {"left": self._tree, "op": operator, "right": right}})


def column(name: str) -> Expression:
    """The column of an answer with that name: `out.<output>` or `in.<column>`."""
    return Expression({"Column": name})


def check_step(validations: dict[str, Any]) -> dict[str, Any]:
    """The step for validations by their names: expressions of here or of polars.

    Raises ValueError for the name `count`, which the answer has already.
    """
    if "count" in validations:
        raise ValueError("count: this name is taken by the number of anomalies; choose another")
    named = [expression.alias(name) for name, expression in validations.items()]
    return {"Check": {"tree": [getattr(one, "meta", one).write_json() for one in named]}}


def _literal(value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"Literal": {"Boolean": value}}
    if isinstance(value, int):
        return {"Literal": {"Int64": value}}
    if isinstance(value, float):
        return {"Literal": {"Float64": value}}
    if isinstance(value, str):
        return {"Literal": {"Utf8": value}}
    raise TypeError(f"a condition can't be compared with a {type(value).__name__}")
