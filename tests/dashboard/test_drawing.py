"""What the pages of runs draw and say, without a browser."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.domain.run import Run
from libs.domain.values import Usage
from services.api.dashboard import (
    chart,
    log_lines,
    run_end_texts,
    run_phases,
    timeline,
    timeline_svg,
)
from services.api.dashboard.timeline_svg import HEIGHT, WIDTH, Scale
from services.api.read_model.timeline import RunBar, RunBucket
from services.api.timeline.schemas import Lane

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
TASK = UUID(int=1)


def a_run(**more: Any) -> Run:
    fields: dict[str, Any] = {
        "id": uuid4(),
        "task": TASK,
        "workspace": 1,
        "scheduled_at": NOW,
        "attempt": 1,
        "missed": 0,
        "status": "success",
        "requested_at": NOW,
        "updated_at": NOW,
        "usage": Usage(),
    }
    return Run(**fields | more)


def lane(bars: list[RunBar] | None = None, buckets: list[RunBucket] | None = None) -> Lane:
    return Lane(
        task=TASK,
        name="a",
        kind="once",
        runs=1,
        bars=bars or [],
        buckets=buckets or [],
        to_come=[],
        more=False,
    )


def test_the_words_for_an_exit_depend_on_how_it_went() -> None:
    good = run_end_texts.ending(a_run(reason="exited"))
    bad = run_end_texts.ending(a_run(reason="exited", status="failure"))
    assert good
    assert bad
    assert not good.remedy
    assert "log" in bad.remedy
    assert run_end_texts.ending(a_run(reason="")) is None
    unknown = run_end_texts.ending(a_run(reason="eaten"))
    assert unknown
    assert "eaten" in unknown.means


def test_hops_are_the_differences_of_what_was_measured() -> None:
    timing = {"forked": 0.1, "first_line": 0.4, "exited": 2.4, "logged": 2.5}
    at = NOW + timedelta(seconds=1)
    run = a_run(started_at=at, finished_at=at + timedelta(seconds=3), timing=timing)
    found = run_phases.hops(run, NOW)
    assert [(one.kind, round(one.seconds, 6)) for one in found] == [
        ("waited", 1.0),
        ("started", 0.1),
        ("first", 0.3),
        ("ran", 2.0),
        ("logged", 0.1),
        ("recorded", 0.5),
    ]
    assert sum(one.width for one in found) == pytest.approx(run_phases.WIDTH, abs=0.1)
    for one, following in pairwise(found):
        assert following.x == pytest.approx(one.x + one.width, abs=0.02)


def test_hops_of_a_run_that_goes_on_or_waits() -> None:
    later = NOW + timedelta(seconds=5)
    (waits,) = run_phases.hops(a_run(status="requested"), later)
    assert (waits.kind, waits.seconds, waits.width) == ("waited", 5.0, run_phases.WIDTH)
    claimed = NOW + timedelta(seconds=2)
    found = run_phases.hops(a_run(status="running", started_at=claimed), later)
    assert [(one.name, one.seconds) for one in found] == [("Waited", 2.0), ("Running", 3.0)]


def test_clocks_that_differ_take_no_time_back() -> None:
    before = NOW - timedelta(seconds=1)
    found = run_phases.hops(a_run(started_at=before, finished_at=NOW), NOW)
    assert [one.seconds for one in found] == [0.0, 1.0]


def test_lines_are_numbered_from_one_and_lose_what_terminals_obey() -> None:
    stamped = b"2030-01-01T12:00:00.123456789Z stderr F \x1b[1;31mred\x1b[0m\ttab \x07\xff"
    (line,) = log_lines.window(41, [stamped])
    assert line == (42, "12:00:00.123", "stderr", "red\ttab \ufffd")
    assert log_lines.parse_match(b"41:" + stamped) == line
    long = log_lines.parse_line(0, b"2030-01-01T12:00:00.123456789Z stdout P " + b"x" * 9000)
    assert len(long.text) == log_lines.LONGEST + 2


def test_a_line_in_pieces_is_one_row_with_its_newest_state() -> None:
    def stamped(*lines: str) -> list[bytes]:
        return [f"2030-01-01T12:00:00.123456789Z {line}".encode() for line in lines]

    bar = stamped("stderr P \r10%", "stdout F one", "stderr P \r50%\r", "stderr F \r99%\r100%")
    found = list(log_lines.window(6, bar))
    assert [(line.number, line.text) for line in found] == [(8, "one"), (10, "100%")]
    prompt = stamped("stdout P sure? ", "stderr P open", "stdout F yes", "stderr F ")
    found = list(log_lines.window(0, prompt))
    assert [(line.number, line.text) for line in found] == [(3, "sure? yes"), (4, "open")]
    long = stamped("stdout P " + "x" * 9000, "stdout F y")
    assert [line.number for line in log_lines.window(0, long)] == [1, 2]
    assert [line.part for line in log_lines.window(0, stamped("stdout P a", "stderr P \rb"))] == [
        *("more", "over")
    ]


def test_bars_lie_where_the_runs_were_and_can_be_seen() -> None:
    scale = Scale(NOW, NOW + timedelta(hours=1))

    def bar(begun: float, ended: float | None) -> RunBar:
        end = NOW + timedelta(minutes=ended) if ended is not None else None
        return RunBar(TASK, uuid4(), "success", NOW + timedelta(minutes=begun), end)

    given = [bar(30, 45), bar(-10, 6), bar(10, 10), bar(59.999, 70), bar(30, None)]
    drawn = timeline_svg.drawn(lane(given), scale, NOW + timedelta(minutes=36))
    places = [(one.x / WIDTH * 60, one.width / WIDTH * 60) for one in drawn.bars]
    assert places[0] == pytest.approx((30, 15))
    assert places[1] == pytest.approx((0, 6))
    assert drawn.bars[2].width > 0
    assert drawn.bars[3].x + drawn.bars[3].width <= WIDTH
    assert places[4] == pytest.approx((30, 6))


def test_columns_stack_to_the_height_of_the_lane() -> None:
    buckets = [
        RunBucket(TASK, 0, "success", 3, 30.0),
        RunBucket(TASK, 0, "failure", 1, 2.0),
        RunBucket(TASK, 1, "success", 2, 8.0),
    ]
    drawn = timeline_svg.drawn(lane(buckets=buckets), Scale(NOW, NOW + timedelta(days=1)), NOW)
    paths = {heap.status: heap.path for heap in drawn.heaps}
    assert paths["failure"].startswith(f"M0 {HEIGHT * 3 / 4:.1f}h")
    assert paths["success"].startswith("M0 0.0h")
    assert f"v{HEIGHT / 2:.1f}h" in paths["success"]
    assert (drawn.failed, drawn.mean_seconds) == (1, 40 / 6)


def test_a_chart_has_the_newest_at_the_right_edge() -> None:
    given = [
        a_run(started_at=NOW, finished_at=NOW + timedelta(seconds=seconds)) for seconds in (1, 4)
    ]
    first, second = chart.columns(given, 4.0)
    assert first.height == chart.HEIGHT / 4
    assert (second.y, second.height) == (0, chart.HEIGHT)
    step = chart.WIDTH / chart.RUNS
    assert (first.x, second.x) == (chart.WIDTH - 2 * step, chart.WIDTH - step)


@pytest.mark.parametrize("zoom", timeline.ZOOMS)
def test_a_window_of_now_ends_at_a_mark_and_sees_ahead(zoom: str) -> None:
    found = timeline.window({"zoom": zoom}, NOW + timedelta(minutes=17))
    assert found.now
    assert found.end - NOW >= timeline.ZOOMS[zoom].ahead
    marks = timeline_svg.ticks(found.start, found.end, found.zoom.step, found.zoom.form)
    assert len(marks) == found.zoom.length // found.zoom.step
    again = timeline.window({"zoom": zoom, "end": f"{found.end:%Y-%m-%dT%H:%M:%SZ}"}, NOW)
    assert again.end == found.end


@pytest.mark.parametrize("end", ["", "soon", "9999-12-31", "0001-01-01", "2030-01-01T00:00+23:59"])
@pytest.mark.parametrize("lanes", ["", "x", "-1", "9" * 30])
def test_odd_addresses_give_a_window(end: str, lanes: str) -> None:
    found = timeline.window({"zoom": "year", "end": end, "lanes": lanes}, NOW)
    assert found.name == "hour"
    assert found.end - found.start == timedelta(hours=1)
    assert found.address(end="x")
