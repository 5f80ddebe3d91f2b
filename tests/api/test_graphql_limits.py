"""No document and no filter takes longer than its answer is worth: the loop serves everybody."""

import re
from importlib.resources import files
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.graphql.engine.engine import Engine
from services.api.graphql.where import matches

OWNER = "0b2d6a3e-3c2f-4a61-9a52-5d8f0c6f1e22"


def like(value: str, pattern: str, operator: str = "_like") -> bool:
    return matches({"name": value}, {"name": {operator: pattern}})


@given(st.text("ab\n.", max_size=9), st.text("ab\n.%%_", max_size=9))
def test_like_is_what_a_regular_expression_says(value: str, pattern: str) -> None:
    parts = (".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
    assert like(value, pattern) == bool(re.fullmatch("".join(parts), value, re.DOTALL))


def test_like_takes_no_case_if_told_so() -> None:
    assert like("Ada", "%DA", "_ilike")
    assert not like("Ada", "%DA")


@pytest.mark.parametrize("pattern", ["%_" * 18 + "%x", "%a" * 60 + "%b", "_%" * 5000, "%" * 30_000])
@pytest.mark.parametrize("value", [OWNER, "a" * 256])
def test_like_comes_to_an_end(value: str, pattern: str) -> None:
    """By a regular expression some of these would take years."""
    assert like(value, pattern) == (set(pattern) == {"%"})


async def answer(text: str, variables: dict[str, Any] | None = None) -> Any:
    folder = files("services.api.graphql")
    sdl = "\n".join((folder / f"{name}.graphql").read_text() for name in ("platform", "models"))
    engine = Engine(sdl, {}, lambda _, error: {"message": str(error)})
    return msgspec.json.decode(await engine.answer(text, variables))


@pytest.mark.parametrize(
    "document",
    [
        "{" + "__typename " * 500 + "}",
        "{" + "pipeline { id } " * 150 + "}",
        "{ pipeline {" + "id " * 300 + "} }",
        "{" + "... on query_root { __typename } " * 50 + "}",
        "{" + "...one " * 50 + "} fragment one on query_root { __typename }",
    ],
)
async def test_one_name_many_times(document: str) -> None:
    (problem,) = (await answer(document))["errors"]
    assert "at one place; ask for it once" in problem["message"]


async def test_many_names() -> None:
    found = await answer("{" + " ".join(f"a{one}: pipeline {{ id }}" for one in range(250)) + "}")
    assert len(found["data"]) == 250


@pytest.mark.parametrize(
    "where",
    [
        {"_and": [{"id": {"_eq": 1}}] * 1000},
        {"id": {"_in": list(range(2001))}},
        {str(one): one for one in range(3000)},
    ],
)
async def test_many_values(where: dict[str, Any]) -> None:
    document = "query ($where: pipeline_bool_exp) { pipeline(where: $where) { id } }"
    (problem,) = (await answer(document, {"where": where}))["errors"]
    assert problem["message"] == "variables: more than 2000 values; give fewer"
