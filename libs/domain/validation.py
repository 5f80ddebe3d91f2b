"""Validations of a pipeline's answers: a small part of the JSON of polars 0.18's expressions.

Clients write them with polars. They are read here into five kinds of nodes and nothing is ever
evaluated that is not one of them.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

MAX_DEPTH = 64
MAX_TEXT_BYTES = 64 << 10

# As polars names them.
OPERATORS = (
    *("Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq", "And", "Or", "Xor"),
    *("Plus", "Minus", "Multiply", "Divide", "TrueDivide", "FloorDivide", "Modulus"),
)
FUNCTIONS = ("Not", "Abs", "IsNan", "IsNotNan")


class Column(msgspec.Struct, frozen=True):
    """A column of the answer, `out.<output>` or `in.<column>`."""

    name: str


class Literal(msgspec.Struct, frozen=True):
    """A number, a text, true or false."""

    value: float | int | str | bool


class Get(msgspec.Struct, frozen=True):
    """Of each row's list, the value at `index`; from the end if below 0."""

    of: "Expression"
    index: int


class Binary(msgspec.Struct, frozen=True):
    """`operator` is one of OPERATORS."""

    operator: str
    left: "Expression"
    right: "Expression"


class Unary(msgspec.Struct, frozen=True):
    """`function` is one of FUNCTIONS."""

    function: str
    of: "Expression"


Expression = Column | Literal | Get | Binary | Unary


class Validation(msgspec.Struct, frozen=True):
    """An anomaly in each row for which the expression is true."""

    name: str
    expression: Expression


def parse(text: str) -> Validation:
    """ValueError names what is not supported."""
    if len(text) > MAX_TEXT_BYTES:
        raise ValueError(f"longer than {MAX_TEXT_BYTES} characters")
    try:
        tree = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"no JSON of an expression: {error}") from error
    match tree:
        case {"Alias": [expression, str(name)]} if name and name != "count":
            return Validation(name, _expression(expression, MAX_DEPTH))
        case {"Alias": [_, "count"]}:
            raise ValueError("'count' is no name for a validation; choose another")
        case _:
            raise ValueError("it has no name; give it one with .alias(name)")


def _expression(tree: Any, depth: int) -> Expression:
    if depth == 0:
        raise ValueError(f"nested deeper than {MAX_DEPTH}; use several validations")
    match tree:
        case {"Column": str(name)}:
            return Column(name)
        case {"Literal": {**value}} if len(value) == 1:
            return _literal(value)
        case {"BinaryExpr": {"left": left, "op": str(op), "right": right}} if op in OPERATORS:
            return Binary(op, _expression(left, depth - 1), _expression(right, depth - 1))
        case {"BinaryExpr": {"op": op}}:
            raise ValueError(f"operator {op!r} is not supported; use {', '.join(OPERATORS)}")
        case {"Alias": [inner, str()]}:
            return _expression(inner, depth - 1)
        case {"Function": {"input": [*inputs], "function": function}}:
            return _function(function, inputs, depth)
        case {**one} if len(one) == 1:
            raise ValueError(f"{next(iter(one))!r} is not supported")
        case _:
            raise ValueError("no expression of polars 0.18")


def _literal(typed: Mapping[Any, Any]) -> Literal:
    [(kind, value)] = typed.items()
    if isinstance(value, bool | int | float | str):
        return Literal(value)
    raise ValueError(f"a literal of type {kind!r} is not supported")


def _function(function: Any, inputs: list[Any], depth: int) -> Expression:
    match function, inputs:
        case {"ListExpr": "Get"}, [of, {"Literal": {**index}}] if len(index) == 1:
            [place] = index.values()
            if isinstance(place, int):
                return Get(_expression(of, depth - 1), place)
        case {"Boolean": "IsNot" | "Not"}, [of]:
            return Unary("Not", _expression(of, depth - 1))
        case {"Boolean": "IsNan" | "IsNotNan" as name}, [of]:
            return Unary(name, _expression(of, depth - 1))
        case "Abs", [of]:
            return Unary("Abs", _expression(of, depth - 1))
    name = next(iter(function.items())) if isinstance(function, dict) and function else function
    words = ".".join(name) if isinstance(name, tuple) and isinstance(name[1], str) else name
    raise ValueError(
        f"function {words!r} is not supported; use comparisons, arithmetic, list.get, abs, is_nan"
    )
