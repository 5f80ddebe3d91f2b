"""The texts are those of polars 0.18.15, which clients write them with."""

import json
from typing import Any

import pytest

from libs.domain.validation import (
    MAX_DEPTH,
    Binary,
    Column,
    Get,
    Literal,
    Unary,
    parse,
)

OPTIONS = {"collect_groups": "ApplyFlat", "fmt_str": "", "auto_explode": True}
FIRST = {
    "Function": {
        "input": [{"Column": "out.variable"}, {"Literal": {"Int32": 0}}],
        "function": {"ListExpr": "Get"},
        "options": OPTIONS,
    }
}


def named(expression: Any, name: str = "too_high") -> str:
    """As .alias(name) writes it."""
    return json.dumps({"Alias": [expression, name]})


def over(limit: float) -> Any:
    """pl.col("out.variable").list.get(0) > limit"""
    return {"BinaryExpr": {"left": FIRST, "op": "Gt", "right": {"Literal": {"Float64": limit}}}}


def function(name: Any, *inputs: Any) -> Any:
    """Any function of polars."""
    return {"Function": {"input": list(inputs), "function": name, "options": OPTIONS}}


def test_a_comparison_of_the_first_value_is_read() -> None:
    found = parse(named(over(20.0)))

    assert found.name == "too_high"
    assert found.expression == Binary("Gt", Get(Column("out.variable"), 0), Literal(20.0))


def test_not_and_or_are_read() -> None:
    both = {"BinaryExpr": {"left": over(1.0), "op": "And", "right": over(2.0)}}
    found = parse(named(function({"Boolean": "IsNot"}, both))).expression

    one = Get(Column("out.variable"), 0)
    assert found == Unary(
        "Not", Binary("And", Binary("Gt", one, Literal(1.0)), Binary("Gt", one, Literal(2.0)))
    )


@pytest.mark.parametrize(
    ("literal", "value"),
    [({"Int32": -3}, -3), ({"Float64": 0.5}, 0.5), ({"Utf8": "a"}, "a"), ({"Boolean": True}, True)],
)
def test_literals_are_read(literal: Any, value: Any) -> None:
    assert parse(named({"Literal": literal})).expression == Literal(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "no JSON"),
        ("[" * 5000, "no JSON"),
        (json.dumps(over(1.0)), "alias"),
        (named(over(1.0), "count"), "'count' is no name"),
        (named(function({"ListExpr": "Sum"}, {"Column": "a"})), "'ListExpr.Sum' is not supported"),
        (named(function({"Pow": "Generic"}, FIRST, FIRST)), "'Pow.Generic' is not supported"),
        (named(function("Exec", FIRST)), "'Exec' is not supported"),
        (named({"Ternary": {"predicate": over(1.0)}}), "'Ternary' is not supported"),
        (named({"Cast": {"expr": FIRST, "data_type": "Float32"}}), "'Cast' is not supported"),
        (named({"Literal": {"Series": {"values": [1]}}}), "type 'Series' is not supported"),
        (named({"Literal": "Null"}), "'Literal' is not supported"),
        (named({"BinaryExpr": {"left": FIRST, "op": "Shl", "right": FIRST}}), "'Shl'"),
        (named(7), "no expression"),
        (named({"Column": "x" * 70_000}), "longer than"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(text)


def test_an_expression_deeper_than_the_limit_is_refused() -> None:
    deep: Any = {"Column": "a"}
    for _ in range(MAX_DEPTH):
        deep = function("Abs", deep)

    with pytest.raises(ValueError, match="nested deeper"):
        parse(named(deep))
