"""A line that comes again and again is shown once a second, and counted."""

import logging
import threading
from collections.abc import Callable
from io import StringIO
from types import SimpleNamespace
from uuid import uuid4

import pytest

from libs.telemetry.repeated_lines import MAX_ALIKE, RepeatFilter

Log = Callable[..., None]


class Lines:
    def __init__(self) -> None:
        self.now = 0.0
        self.text = StringIO()
        handler = logging.StreamHandler(self.text)
        self.repeats = RepeatFilter(handler, lambda: self.now)
        handler.addFilter(self.repeats)
        self.logger = logging.Logger("tests.repeats")
        self.logger.addHandler(handler)

    def seen(self) -> list[str]:
        return self.text.getvalue().splitlines()


@pytest.fixture
def lines() -> Lines:
    return Lines()


def test_a_line_once_a_second_with_its_count(lines: Lines) -> None:
    for _ in range(3):
        for _ in range(1000):
            lines.logger.error("no %s left", "descriptors")
        lines.now += 1
    lines.repeats.emit_due()
    again = "no descriptors left (and 999 more like it in a second)"
    assert lines.seen() == ["no descriptors left", again] * 3


def test_tracebacks_are_counted_with_their_line(lines: Lines) -> None:
    for _ in range(50):
        try:
            raise OSError(24, "Too many open files")
        except OSError:
            lines.logger.exception("accept failed")
    lines.now += 1
    lines.repeats.emit_due()
    assert sum("Traceback" in line for line in lines.seen()) == 1
    assert lines.seen()[-1] == "accept failed (and 49 more like it in a second)"


def test_what_differs_in_ids_only_is_bounded_too(lines: Lines) -> None:
    for _ in range(500):
        lines.logger.error("request failed, id %s", uuid4())
    lines.now += 1
    lines.logger.error("something else")
    assert len(lines.seen()) == MAX_ALIKE + 2
    assert "(and 480 more like it in a second)" in lines.seen()[-2]


def test_different_lines_and_news_are_all_there(lines: Lines) -> None:
    for number in range(200):
        lines.logger.info("audit: user %d", number)
        lines.now += 0.001
    assert len(lines.seen()) == 200


def test_the_count_comes_without_another_line() -> None:
    text = StringIO()
    handler = logging.StreamHandler(text)
    repeats = RepeatFilter(handler)
    handler.addFilter(repeats)
    logger = logging.Logger("tests.repeats")
    logger.addHandler(handler)
    for _ in range(5):
        logger.warning("again")
    assert repeats._timer is not None
    repeats._timer.join(30)
    assert text.getvalue().splitlines() == ["again", "again (and 4 more like it in a second)"]


class Timers:
    """In place of threading.Timer: each rings when it is told the time."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._due: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, seconds: float, ring: Callable[[], None]) -> SimpleNamespace:
        due = self._lines.now + seconds, ring
        self._due.append(due)
        return SimpleNamespace(start=lambda: None, is_alive=lambda: due in self._due)

    def until(self, now: float) -> None:
        for due, ring in sorted(self._due, key=lambda one: one[0]):
            if due <= now:
                self._lines.now = due
                ring()
                self._due.remove((due, ring))
        self._lines.now = now


def test_the_count_of_a_burst_s_last_moment_comes_too(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began in one second and ended in the next, and nothing is said after it."""
    timers = Timers(lines)
    monkeypatch.setattr(threading, "Timer", timers)
    for moment in (0.5, 0.75, 1.25, 1.5):
        timers.until(moment)
        lines.logger.warning("again")
    timers.until(10)
    shown, counted = "again", "again (and 1 more like it in a second)"
    assert lines.seen() == [shown, counted, shown, counted]
