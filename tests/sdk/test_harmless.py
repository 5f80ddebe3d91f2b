"""What a platform answers can't steer the terminal that it is shown on."""

import pytest
from rondo.cli.output import harmless, plain

SHOWN = {
    "\x1b[31mred\x1b[0m\tand\ttabs": "\x1b[31mred\x1b[0m\tand\ttabs",
    "10%\r20%": "10%\r20%",
    "\x1b[2Jgone": "?[2Jgone",
    "\x1b]0;title\x07": "?]0;title?",
    "\x1b]52;c;aGk=\x1b\\": "?]52;c;aGk=?\\",
    "\x9b2J": "?2J",
    "\x1b[?1049h": "?[?1049h",
    "\x08\x08": "??",
    "\u202egpj": "?gpj",
    "grün 日本 👍": "grün 日本 👍",
}


@pytest.mark.parametrize("text", SHOWN)
def test_colours_pass_and_commands_do_not(text: str) -> None:
    assert harmless(text) == SHOWN[text]


def test_a_cell_of_a_table_has_none_of_it() -> None:
    assert plain("\x1b[31mred\n") == "?[31mred?"
