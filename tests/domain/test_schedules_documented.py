"""docs/schedules.md says what is so: each row of its tables is tried."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile
from pathlib import Path

import pytest

from libs.domain import cron, schedule, zones
from libs.domain.errors import Rejected
from libs.domain.values import Schedule

ASKED = datetime(2026, 11, 30, 9, tzinfo=UTC)
PAGE = (Path(__file__).parents[2] / "docs" / "schedules.md").read_text()


def rows(*columns: str) -> list[list[str]]:
    """The cells of a table with such a heading."""
    _, found, rest = PAGE.partition(f"\n| {' | '.join(columns)} |\n")
    assert found, columns
    lines = rest.split("\n\n")[0].splitlines()[1:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(("expression", "expected"), rows("expression", "next"))
def test_next(expression: str, expected: str) -> None:
    written = expected.split(", ")
    found = cron.parse(expression).after(ASKED, zones.named("UTC"))
    assert [f"{at:%Y-%m-%d %H:%M:%S}" for at in islice(found, len(written))] == written


@pytest.mark.parametrize(("refused", "instead"), rows("expression", "instead"))
def test_refused(refused: str, instead: str) -> None:
    with pytest.raises(Rejected, match=r"docs/schedules\.md"):
        cron.parse(refused)
    schedule.check(Schedule(expression=instead), ASKED)


@pytest.mark.parametrize(
    ("expression", "zone", "day", "ticks"), rows("expression", "zone", "day", "ticks")
)
def test_clock_changes(expression: str, zone: str, day: str, ticks: str) -> None:
    place, on = zones.named(zone), date.fromisoformat(day)
    before = datetime(on.year, on.month, on.day, tzinfo=UTC) - timedelta(days=1)
    locally = (at.astimezone(place) for at in cron.parse(expression).after(before, place))
    found = [at for at in takewhile(lambda at: at.date() <= on, locally) if at.date() == on]
    assert ", ".join(f"{at:%H:%M%z}" for at in found) == ticks
