"""What `make bench` asks for is there."""

import importlib

import pytest

from bench.__main__ import PARTS, parsed


def test_no_part_is_all_of_them() -> None:
    assert parsed([]).part == list(PARTS)


def test_some_can_be_named() -> None:
    given = parsed(["runs", "lines", "--full"])
    assert (given.part, given.full, given.json) == (["runs", "lines"], True, None)


def test_one_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(["walks"])
    assert "there is no walks" in capsys.readouterr().err


@pytest.mark.parametrize("part", PARTS)
def test_each_can_be_measured(part: str) -> None:
    assert callable(importlib.import_module(f"bench.{part}").measure)
