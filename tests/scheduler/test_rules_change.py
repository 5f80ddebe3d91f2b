"""Schedules under rules that have become others since they were stored: of their zone's clock, by
an update of tzdata, and of what we take for a cron expression."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from libs.domain import schedule, zones
from libs.domain.events import Event, RunRequested
from libs.domain.ids import run_id
from libs.domain.values import Schedule
from tests.scheduler.story import START, TASK, Story, every, started

# Vancouver stays on summer time from 2026 on; the rules before that were Los Angeles'.
OLD, NEW = "America/Los_Angeles", "America/Vancouver"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
Rules = Callable[[str], None]


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rules]:
    """Starts a scheduler that has this zone's rules for Vancouver."""

    def start(name: str) -> None:
        monkeypatch.setattr(zones, "stored", lambda _: zones.named(name))
        schedule._parsed.cache_clear()

    yield start
    schedule._parsed.cache_clear()


def on(expression: str, zone: str = "UTC") -> Story:
    """A task with a schedule, under way since START."""
    plan = Schedule(expression=expression, zone=zone, misfire="all", misfire_cap=1000)
    return started(msgspec.structs.replace(every(10), schedule=plan))


def live(story: Story, until: datetime) -> list[datetime]:
    """What is asked for if somebody looks every half an hour."""
    events: list[Event] = []
    while story.now < until:
        story.now = min(story.now + timedelta(minutes=30), until)
        events += story.settle()
    assert all(isinstance(event, RunRequested) and not event.missed for event in events)
    return [event.scheduled_at for event in events if isinstance(event, RunRequested)]


def under_both(rules: Rules, before: str, after: str, hour: int) -> list[int]:
    """The hours of six days' ticks, with an update at some hour of the fourth."""
    rules(before)
    story = on("0 9 * * *", NEW)
    story.now = NOON
    story.settle()
    ticks = live(story, NOON.replace(hour=hour) + timedelta(days=3, minutes=15))
    rules(after)
    again = Story()  # it has read the log
    for fact in story.facts:
        again.plan.fold(fact)
    again.facts, again.now = story.facts, story.now
    ticks += live(again, NOON + timedelta(days=6))
    assert [at.day for at in ticks] == [20, 21, 22, 23, 24, 25]
    assert len({run_id(TASK, at) for at in ticks}) == 6
    return [at.hour for at in ticks]


@pytest.mark.parametrize(("hour", "fourth"), [(12, 16), (15, 16), (16, 16), (17, 17), (23, 17)])
def test_i3_an_update_of_tzdata_that_has_ticks_earlier(
    rules: Rules, hour: int, fourth: int
) -> None:
    assert under_both(rules, OLD, NEW, hour) == [17, 17, 17, fourth, 16, 16]


@pytest.mark.parametrize(("hour", "fourth"), [(12, 17), (15, 17), (16, 16), (17, 16), (23, 16)])
def test_i3_an_update_of_tzdata_that_has_ticks_later(rules: Rules, hour: int, fourth: int) -> None:
    assert under_both(rules, NEW, OLD, hour) == [16, 16, 16, fourth, 17, 17]


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [
        ("0 12 * * ? *", [12, 72, 132]),
        ("? 12,13 * * *", [1, 2, 3]),
        ("*/90 * * * *", [60, 120, 180]),
    ],
)
def test_what_is_refused_now_goes_on_as_it_was_stored(expression: str, minutes: list[int]) -> None:
    expected = [START + timedelta(minutes=minute) for minute in minutes]
    assert live(on(expression), expected[-1] + timedelta(seconds=30)) == expected


@pytest.mark.parametrize("zone", ["localtime", "right/UTC", "Factory", "posix/UTC", "Nowhere"])
def test_a_zone_that_is_refused_now_goes_on(zone: str) -> None:
    ticks = live(on("0 */4 * * *", zone), START + timedelta(days=1))
    assert len(ticks) == 6


def test_i3_ten_years_of_seconds_are_accounted_for_at_once() -> None:
    plan = Schedule(expression="* * * * * *", misfire="all", misfire_cap=1000)
    story = started(msgspec.structs.replace(every(10), schedule=plan))
    days = 3652
    story.wait(days * 24 * 3600)
    due = [event for event in story.due() if isinstance(event, RunRequested)]
    assert len(due) == 1000
    assert sum(event.missed + 1 for event in due) == days * 24 * 3600
    assert due[-1].scheduled_at == story.now
