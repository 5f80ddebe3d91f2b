"""What is a number, an id or an instant in text that somebody has sent."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from multidict import MultiDict

from services.api.dashboard.account import token_fields
from services.api.dashboard.platform import event_fields
from services.api.text import instant, number, uuid

ENDLESS = "9" * 5000  # int() refuses more than 4300 digits with a ValueError


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("007", 7), ("9" * 15, 10**15 - 1)])
def test_fifteen_digits_are_a_number(text: str, value: int) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "1e3", "٣", "²", " 1", "9" * 16, ENDLESS])
def test_anything_else_is_no_number(text: str) -> None:
    assert number(text) is None


def test_a_form_with_endless_digits_is_passed_on_to_be_refused() -> None:
    form = MultiDict({"workspaces": ENDLESS, "days": ENDLESS, "name": "ci"})
    assert token_fields(form) == {"name": "ci", "workspaces": [], "days": ENDLESS}
    assert event_fields(MultiDict({"reaction": "packager", "seq": ENDLESS}))["seq"] == ENDLESS


def test_an_id_is_a_uuid() -> None:
    text = "7f9c1f52-9b52-4d0e-8f43-0d7e7f5d2b11"
    assert uuid(text) == UUID(text)
    for wrong in ("", "7f9c1f52", text + "0", "x" * 36):
        assert uuid(wrong) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T10:00:00Z",
        "2026-11-22T10:00:00",
        "2026-11-22T12:00:00+02:00",
        "2026-11-22T12:00:00 02:00",
    ],
)
def test_an_instant_comes_out_in_utc(text: str) -> None:
    assert instant(text) == datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "0001-01-01T00:00:00+02:00"])
def test_anything_else_is_no_instant(text: str) -> None:
    assert instant(text) is None
