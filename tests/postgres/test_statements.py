"""Statements are found by their names, and what is written around them is not sent."""

import pytest

from libs.postgres.statements import load, parse

FILE = """-- Of users.

-- part: columns
-- What a user is.
id, email

-- name: find
-- A user
-- by its id.
SELECT {columns} -- all of them
FROM account WHERE id = $1 AND tags <> '{}'

-- What follows is about all of them.

-- name: list
-- All.
SELECT {columns} FROM account
"""


def test_statements_by_their_names_with_their_parts_in_place() -> None:
    assert parse(FILE) == {
        "find": "SELECT id, email -- all of them\nFROM account WHERE id = $1 AND tags <> '{}'",
        "list": "SELECT id, email FROM account",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-- name: find\nSELECT 1\n", "find: say"),
        (FILE + "\n-- name: find\n-- Again.\nSELECT 1\n", "find: the name is taken"),
        (FILE + "\n-- name: columns\n-- Again.\nSELECT 1\n", "columns: the name is taken"),
        ("-- name: find\n-- One.\nSELECT {fields}\n", "find: there is no part fields"),
    ],
)
def test_a_file_that_is_wrong_is_refused_when_it_is_loaded(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse(text)


def test_a_module_has_the_file_of_its_name() -> None:
    assert "find_run" in load("services.api.read_model.runs")
    with pytest.raises(FileNotFoundError):
        load("services.api.read_model.nothing")
