"""When the clock changes: what has a time of day happens once, what repeats follows real time.

Every kind of change of every zone is in test_cron_zones.py."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

import pytest

from libs.domain import cron, zones

# Each night in local time: (zone, its date).
BERLIN_SPRING = ("Europe/Berlin", "2026-03-29")  # 02:00 becomes 03:00
BERLIN_AUTUMN = ("Europe/Berlin", "2026-10-25")  # 03:00 becomes 02:00
NEW_YORK_SPRING = ("America/New_York", "2026-03-08")  # 02:00 becomes 03:00
NEW_YORK_AUTUMN = ("America/New_York", "2026-11-01")  # 02:00 becomes 01:00
LORD_HOWE_SPRING = ("Australia/Lord_Howe", "2026-10-04")  # 02:00 becomes 02:30
LORD_HOWE_AUTUMN = ("Australia/Lord_Howe", "2026-04-05")  # 02:00 becomes 01:30
LORD_HOWE_NEXT = ("Australia/Lord_Howe", "2027-10-03")
CHATHAM_AUTUMN = ("Pacific/Chatham", "2027-04-04")  # 03:45 becomes 02:45
AZORES_SPRING = ("Atlantic/Azores", "2026-03-29")  # 00:00 becomes 01:00
SANTIAGO_SPRING = ("America/Santiago", "2026-09-06")  # 00:00 becomes 01:00
BEIRUT_SPRING = ("Asia/Beirut", "2027-03-28")  # 00:00 becomes 01:00
HAVANA_AUTUMN = ("America/Havana", "2026-11-01")  # 01:00 becomes 00:00
TROLL_SPRING = ("Antarctica/Troll", "2026-03-29")  # 01:00 becomes 03:00
CAIRO_AUTUMN = ("Africa/Cairo", "2026-10-29")  # 24:00 becomes 23:00
CAIRO_SPRING = ("Africa/Cairo", "2026-04-24")  # 00:00 becomes 01:00


def through_the_day(expression: str, night: tuple[str, str]) -> list[datetime]:
    """All ticks from the midnight before until the midnight after, in local time."""
    zone = zones.named(night[0])
    midnight = datetime.fromisoformat(night[1]).replace(tzinfo=zone)
    end = (midnight + timedelta(days=1)).astimezone(UTC)
    before = midnight.astimezone(UTC) - timedelta(seconds=1)
    ticks = cron.parse(expression).after(before, zone)
    return [at.astimezone(zone) for at in takewhile(lambda at: at < end, ticks)]


@pytest.mark.parametrize(
    ("expression", "night", "expected"),
    [
        ("30 2 * * *", BERLIN_SPRING, ["03:00+0200"]),
        ("30 2 * * *", BERLIN_AUTUMN, ["02:30+0200"]),
        ("30 2 * * *", NEW_YORK_SPRING, ["03:00-0400"]),
        ("30 1 * * *", NEW_YORK_AUTUMN, ["01:30-0400"]),
        ("15 2 * * *", LORD_HOWE_SPRING, ["02:30+1100"]),
        ("45 1 * * *", LORD_HOWE_AUTUMN, ["01:45+1100"]),
        ("30 0 * * *", CAIRO_SPRING, ["01:00+0300"]),
        ("30 0 * * *", SANTIAGO_SPRING, ["01:00-0300"]),
        ("30 0,1 * * *", SANTIAGO_SPRING, ["01:00-0300", "01:30-0300"]),
        ("30 1,2 * * *", TROLL_SPRING, ["03:00+0200"]),
        ("30 2 * * *", CHATHAM_AUTUMN, ["02:30+1345"]),
        ("0,50 2 * * *", CHATHAM_AUTUMN, ["02:00+1345", "02:50+1345"]),
        ("30 23 * * *", CAIRO_AUTUMN, ["23:30+0300"]),
        ("0 0 * * *", HAVANA_AUTUMN, ["00:00-0400"]),
        # seconds change nothing about it
        ("0 30 2 * * *", BERLIN_SPRING, ["03:00+0200"]),
        ("0 30 2 * * *", BERLIN_AUTUMN, ["02:30+0200"]),
        ("0 30 2 29 3 2026", BERLIN_SPRING, ["03:00+0200"]),
        ("0 30 2 ? * * 2026", BERLIN_AUTUMN, ["02:30+0200"]),
        # what the change does not touch
        ("30 4 * * *", BERLIN_SPRING, ["04:30+0200"]),
        ("0 3 * * *", BERLIN_SPRING, ["03:00+0200"]),
        ("0 3 * * *", BERLIN_AUTUMN, ["03:00+0100"]),
    ],
)
def test_a_time_of_day_comes_once_a_day(
    expression: str, night: tuple[str, str], expected: list[str]
) -> None:
    assert [f"{at:%H:%M%z}" for at in through_the_day(expression, night)] == expected


def test_a_tick_that_the_gap_puts_off_keeps_its_seconds() -> None:
    ticks = through_the_day("0,30 15 2 * * *", BERLIN_SPRING)
    assert [f"{at:%H:%M:%S}" for at in ticks] == ["03:00:00", "03:00:30"]


@pytest.mark.parametrize(
    ("expression", "night", "count"),
    [
        ("*/30 * * * *", BERLIN_SPRING, 46),
        ("*/30 * * * *", BERLIN_AUTUMN, 50),
        ("*/30 * * * *", NEW_YORK_SPRING, 46),
        ("*/30 * * * *", NEW_YORK_AUTUMN, 50),
        ("*/30 * * * *", LORD_HOWE_SPRING, 47),
        ("*/30 * * * *", LORD_HOWE_AUTUMN, 49),
        ("*/30 * * * *", CAIRO_SPRING, 46),
        ("0,30 * * * *", BERLIN_SPRING, 46),
        ("0,30 * * * *", BERLIN_AUTUMN, 50),
        ("*/30 * * * * *", BERLIN_AUTUMN, 25 * 120),
    ],
)
def test_what_repeats_follows_real_time(
    expression: str, night: tuple[str, str], count: int
) -> None:
    ticks = [at.astimezone(UTC) for at in through_the_day(expression, night)]
    steps = {later - earlier for earlier, later in pairwise(ticks)}
    assert len(ticks) == count
    assert len(steps) == 1


@pytest.mark.parametrize(
    ("expression", "night", "expected"),
    [
        ("*/15 3 4 4 *", CHATHAM_AUTUMN, "03:00 03:15 03:30 03:00 03:15 03:30 03:45"),
        ("0 */6 * * *", LORD_HOWE_SPRING, "00:00 06:00 12:00 18:00"),
        ("0 */6 * * *", LORD_HOWE_NEXT, "00:00 06:00 12:00 18:00"),
        ("*/15 9 * * *", LORD_HOWE_SPRING, "09:00 09:15 09:30 09:45"),
        ("*/15 9 * * *", LORD_HOWE_AUTUMN, "09:00 09:15 09:30 09:45"),
        ("*/20 2 * * *", LORD_HOWE_AUTUMN, "02:00 02:20 02:40"),
        ("*/20 */24 3 * *", LORD_HOWE_NEXT, "00:00 00:20 00:40"),
        ("*/20 1 29 3 *", AZORES_SPRING, "01:00 01:20 01:40"),
        ("*/30 0 6 9 *", SANTIAGO_SPRING, ""),
        ("*/15 */6 28 3 *", BEIRUT_SPRING, "06:00 06:15 06:30 06:45 12:00 12:15 12:30 12:45 "
         "18:00 18:15 18:30 18:45"),
    ],
)  # fmt: skip
def test_ticks_of_a_day(expression: str, night: tuple[str, str], expected: str) -> None:
    assert [f"{at:%H:%M}" for at in through_the_day(expression, night)] == expected.split()


NIGHTS = [
    BERLIN_SPRING,
    BERLIN_AUTUMN,
    NEW_YORK_SPRING,
    NEW_YORK_AUTUMN,
    LORD_HOWE_SPRING,
    LORD_HOWE_AUTUMN,
    CAIRO_SPRING,
    CAIRO_AUTUMN,
    CHATHAM_AUTUMN,
    AZORES_SPRING,
    SANTIAGO_SPRING,
    HAVANA_AUTUMN,
]
EXPRESSIONS = [
    "30 2 * * *",
    "0,30 1,2,3 * * *",
    "15 2-3 * * *",
    "0,20 15 2 * * *",
    "*/30 * * * *",
    "*/10 2 * * *",
    "45 * * * *",
    "7 */2 * * *",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("night", NIGHTS)
def test_i3_looking_anew_finds_the_same_ticks(expression: str, night: tuple[str, str]) -> None:
    """A scheduler that starts in the middle of the change expects what one that lived through it
    expects."""
    zone = zones.named(night[0])
    midnight = datetime.fromisoformat(night[1]).replace(tzinfo=zone).astimezone(UTC)
    end = midnight + timedelta(hours=10)
    parsed = cron.parse(expression)

    def after(instant: datetime) -> list[datetime]:
        return list(takewhile(lambda at: at < end, parsed.after(instant, zone)))

    lived = after(midnight - timedelta(hours=6))
    assert lived == sorted(set(lived))
    for seconds in range(0, 5 * 3600, 310):
        anew = midnight + timedelta(seconds=seconds)
        assert after(anew) == [at for at in lived if at > anew]
