"""The phases of a run as a bar: the longer a phase took, the wider it is."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from libs.domain.run import Run

WIDTH = 1000.0  # of the whole bar, in units of its view box
_LEAST = 6.0  # a hop of a millisecond beside one of an hour is still to be seen


class Hop(NamedTuple):
    """`kind` is its colour, `seconds` its duration; `x` and `width` are in units of the bar."""

    kind: str
    name: str
    about: str
    seconds: float
    x: float
    width: float


class _Phase(NamedTuple):
    kind: str
    name: str
    about: str
    seconds: float


_INSIDE = {
    "forked": ("started", "Started", "the executor made its process ready to run the script"),
    "first_line": ("first", "First line", "the script ran until it printed something"),
    "exited": ("ran", "Ran", "the script ran on until none of its processes was left"),
    "logged": ("logged", "Logged", "the last of its output was stored"),
}


def hops(run: Run, now: datetime) -> list[Hop]:
    """All phases from the request to the end, in order; the last one grows while the run lasts."""
    return list(_placed([*_phases(run, now)]))


def _phases(run: Run, now: datetime) -> Iterator[_Phase]:
    claimed = run.started_at or run.finished_at or now
    waited = (claimed - run.requested_at).total_seconds()
    yield _Phase("waited", "Waited", "until an executor with a free slot claimed it", waited)
    if run.started_at is None:
        return
    before = 0.0
    for mark in _INSIDE:
        if mark in run.timing:
            yield _Phase(*_INSIDE[mark], run.timing[mark] - before)
            before = run.timing[mark]
    rest = ((run.finished_at or now) - run.started_at).total_seconds() - before
    if run.timing:
        yield _Phase("recorded", "Recorded", "until its end was in the event log", rest)
    else:
        name = "Ran" if run.finished_at else "Running"
        yield _Phase("ran", name, "since an executor claimed it", rest)


def _placed(phases: list[_Phase]) -> Iterator[Hop]:
    """Clocks of two machines may differ, so a negative duration counts as zero."""
    whole = sum(max(one.seconds, 0) for one in phases) or 1.0
    room = WIDTH - _LEAST * len(phases)
    x = 0.0
    for one in phases:
        seconds = max(one.seconds, 0)
        width = _LEAST + room * seconds / whole
        yield Hop(one.kind, one.name, one.about, seconds, round(x, 2), round(width, 2))
        x += width
