"""What is asked for at an evaluation, policy by policy. Minutes of one hour stand for instants."""

import pytest

from libs.domain import schedule as schedules
from libs.domain.schedule import Busy, Span, Tick
from libs.domain.values import Misfire, Overlap, Schedule
from tests.domain.decider import at


def policy(misfire: Misfire, overlap: Overlap, cap: int = 100) -> Schedule:
    """A tick every ten minutes."""
    return Schedule(expression="*/10 * * * *", misfire=misfire, overlap=overlap, misfire_cap=cap)


def asked(schedule: Schedule, now: str, busy: Busy) -> str:
    """What is asked for when 12:00 is accounted for: `12:10` or `12:10+3 12:50`, with missed."""
    ticks = schedules.due(schedule, [Span(at("12:00:00"))], at(now), busy)
    return " ".join(f"{one.at:%H:%M}" + (f"+{one.missed}" if one.missed else "") for one in ticks)


FREE = Busy()
OPEN = Busy(now=True, until=at("12:00:30"))
POLICIES: list[tuple[Misfire, Overlap]] = [
    (misfire, overlap)
    for misfire in ("latest", "all", "none")
    for overlap in ("allow", "skip", "queue")
]


@pytest.mark.parametrize(("misfire", "overlap"), POLICIES)
def test_a_tick_on_time_is_asked_for_by_every_policy(misfire: Misfire, overlap: Overlap) -> None:
    schedule = policy(misfire, overlap)
    assert asked(schedule, "12:09:59", FREE) == ""
    assert asked(schedule, "12:10:00", FREE) == "12:10"
    assert asked(schedule, "12:10:05", FREE) == "12:10"


@pytest.mark.parametrize(
    ("misfire", "overlap", "expected"),
    [
        ("latest", "allow", "12:30+2"),
        ("latest", "skip", "12:30+2"),
        ("latest", "queue", "12:30+2"),
        ("all", "allow", "12:10 12:20 12:30"),
        ("all", "skip", "12:30+2"),
        ("all", "queue", "12:10"),
        ("none", "allow", ""),
        ("none", "skip", ""),
        ("none", "queue", ""),
    ],
)
def test_after_a_downtime(misfire: Misfire, overlap: Overlap, expected: str) -> None:
    """I3: nobody looked from 12:00 to 12:35."""
    assert asked(policy(misfire, overlap), "12:35:00", FREE) == expected


@pytest.mark.parametrize(
    ("misfire", "overlap", "expected"),
    [
        ("latest", "allow", "12:30+2"),
        ("latest", "skip", ""),
        ("latest", "queue", ""),
        ("all", "allow", "12:10 12:20 12:30"),
        ("all", "skip", ""),
        ("all", "queue", ""),
        ("none", "allow", "12:30+2"),
        ("none", "skip", ""),
        ("none", "queue", ""),
    ],
)
def test_while_a_run_is_open(misfire: Misfire, overlap: Overlap, expected: str) -> None:
    assert asked(policy(misfire, overlap), "12:30:01", OPEN) == expected


@pytest.mark.parametrize(
    ("misfire", "overlap", "expected"),
    [
        ("latest", "skip", ""),
        ("latest", "queue", "12:30+2"),
        ("all", "skip", ""),
        ("all", "queue", "12:10"),
        ("none", "skip", ""),
        ("none", "queue", "12:30+2"),
    ],
)
def test_when_the_run_has_just_ended(misfire: Misfire, overlap: Overlap, expected: str) -> None:
    """`skip` lets go of what fell due meanwhile, `queue` has it now."""
    ended = Busy(until=at("12:30:03"))
    assert asked(policy(misfire, overlap), "12:30:04", ended) == expected


def test_a_tick_at_the_very_end_of_a_run_is_skipped() -> None:
    assert asked(policy("latest", "skip"), "12:10:00", Busy(until=at("12:10:00"))) == ""


@pytest.mark.parametrize("misfire", ["latest", "all", "none"])
def test_what_was_skipped_is_counted_in_the_next(misfire: Misfire) -> None:
    """I3: skipped is missed."""
    assert asked(policy(misfire, "skip"), "12:40:00", Busy(until=at("12:30:03"))) == "12:40+3"


def test_a_tick_that_came_while_none_may_misfire_is_counted_in_the_next() -> None:
    assert asked(policy("none", "allow"), "12:40:00", FREE) == "12:40+3"
    assert asked(policy("none", "allow"), "12:40:06", FREE) == ""


@pytest.mark.parametrize(
    ("cap", "expected"),
    [(1, "12:50+4"), (2, "12:40+3 12:50"), (4, "12:20+1 12:30 12:40 12:50")],
)
def test_the_cap_keeps_the_newest_and_counts_the_rest(cap: int, expected: str) -> None:
    assert asked(policy("all", "allow", cap), "12:55:00", FREE) == expected


def test_nothing_is_due_before_its_time_or_when_the_clock_went_back() -> None:
    assert asked(policy("latest", "allow"), "11:30:00", FREE) == ""


def test_a_schedule_that_has_ended_asks_for_nothing() -> None:
    ended = Schedule(expression="0 5 12 2 3 2026")
    assert schedules.next_after(ended, at("12:00:00")) == at("12:05:00")
    assert schedules.due(ended, [Span(at("12:00:00"))], at("13:00:00"), FREE) == [
        Tick(at("12:05:00"))
    ]
    assert schedules.next_after(ended, at("12:05:00")) is None
    assert schedules.due(ended, [Span(at("12:05:00"))], at("13:00:00"), FREE) == []


def test_only_active_time_counts() -> None:
    """Between two spans it was paused."""
    active = [Span(at("12:00:00"), at("12:25:00")), Span(at("12:40:00"))]
    every = policy("all", "allow")
    found = schedules.due(every, active, at("13:05:00"), FREE)
    assert [f"{one.at:%H:%M}" for one in found] == ["12:10", "12:20", "12:50", "13:00"]
    assert schedules.due(policy("latest", "allow"), active, at("13:05:00"), FREE) == [
        Tick(at("13:00:00"), 3)
    ]
    assert schedules.rest(active, at("12:25:00")) == active[1:]
    assert schedules.rest(active, at("12:20:00")) == [
        Span(at("12:20:00"), at("12:25:00")),
        active[1],
    ]
    assert schedules.uncounted(every, active, at("12:50:00")) == 3
    assert not schedules.has_tick(every, Span(at("12:20:00"), at("12:29:59")))
    assert schedules.has_tick(every, Span(at("12:20:00"), at("12:30:00")))


def test_a_span_that_ends_by_a_faster_clock_is_counted_to_its_end() -> None:
    ended = [Span(at("12:00:00"), at("12:25:00"))]
    assert schedules.uncounted(policy("all", "allow"), ended, at("12:05:00")) == 2
