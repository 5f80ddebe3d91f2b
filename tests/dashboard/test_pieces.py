"""What needs no platform: values as people read them, schedules as they choose them."""

from datetime import UTC, datetime, timedelta

import pytest

from libs.domain.errors import Rejected
from libs.domain.values import Schedule
from services.api.dashboard import formats, schedules
from services.api.dashboard.render import environment

AT = datetime(2026, 11, 2, 9, 5, 7, 1500, tzinfo=UTC)


@pytest.mark.parametrize("name", environment().list_templates())
def test_templates_compile(name: str) -> None:
    """Nothing else does before somebody visits."""
    environment().get_template(name)


def test_instants() -> None:
    assert formats.instant(AT) == "2 Nov 2026, 09:05:07"
    assert formats.iso(AT) == "2026-11-02T09:05:07.001Z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 ms"),
        (0.0123, "12 ms"),
        (1, "1.0 s"),
        (59.94, "59.9 s"),
        (61, "1 min 1 s"),
        (3600, "1 h 0 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert formats.duration(seconds) == text
    assert formats.duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 40, "5.0 TiB")]
)
def test_sizes(count: int, text: str) -> None:
    assert formats.size(count) == text


def test_messages_lose_the_name_of_the_field() -> None:
    assert formats.plain("timeout: give 1 to 5 seconds") == "Give 1 to 5 seconds."
    assert formats.plain("user_id, email: there is none") == "There is none."
    assert formats.plain("No field here: none at all.") == "No field here: none at all."


def test_months_days_and_times() -> None:
    assert schedules.cron_line([], [], [], "8:00") == "0 8 * * *"
    assert schedules.cron_line(["1", "3"], ["15"], [], "20:00") == "0 20 15 1,3 *"
    assert schedules.cron_line([], [], ["1", "5"], "08:30, 20:30") == "30 8,20 * * 1,5"
    assert schedules.cron_line([], [], [], "8:00 8:30 9:00 9:30") == "0,30 8,9 * * *"


@pytest.mark.parametrize("times", ["", "24:00", "8", "08:60", "08:00 09:30", "noon"])
def test_times_that_are_no_schedule(times: str) -> None:
    with pytest.raises(Rejected, match=r"^times: "):
        schedules.cron_line([], [], [], times)


def test_days_of_month_and_week_exclude_each_other() -> None:
    with pytest.raises(Rejected, match=r"^days: "):
        schedules.cron_line([], ["1"], ["1"], "08:00")


def test_what_is_upcoming_is_in_the_zone_and_ends_with_the_schedule() -> None:
    berlin = Schedule(expression="0 6 * * *", zone="Europe/Berlin")
    found = schedules.upcoming(berlin, AT)
    assert [at.isoformat() for at in found[:2]] == [
        "2026-11-03T06:00:00+01:00",
        "2026-11-04T06:00:00+01:00",
    ]
    assert len(found) == 5
    assert len(schedules.upcoming(Schedule(expression="0 0 12 30-31 12 * 2026"), AT)) == 2
    with pytest.raises(Rejected, match="never fires again"):
        schedules.upcoming(Schedule(expression="0 0 12 1 1 * 2020"), AT)
