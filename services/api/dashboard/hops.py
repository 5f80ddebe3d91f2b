"""The road of a run as a bar: how long each hop took, and the longer the wider."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from libs.domain.run import Run

WIDTH = 1000.0  # of the whole bar, in units of its view box
_LEAST = 6.0  # a hop of a millisecond beside one of an hour is still to be seen


class Hop(NamedTuple):
    """`seconds` from the hop before; `x` and `width` in the bar's units."""

    name: str
    about: str
    seconds: float
    x: float
    width: float


_INSIDE = (
    (
        "forked",
        "Started",
        "the executor made its process ready, up to the first line of the script",
    ),
    ("first_line", "First line", "the script ran until it printed something"),
    ("exited", "Ran", "the script ran on until none of its processes was left"),
    ("logged", "Logged", "the last of its output was stored"),
)


def hops(run: Run, now: datetime) -> list[Hop]:
    """From the request to the end, in order; the last one goes on while the run does."""
    return list(_placed([(name, about, max(took, 0.0)) for name, about, took in _taken(run, now)]))


def _taken(run: Run, now: datetime) -> Iterator[tuple[str, str, float]]:
    until = run.started_at or run.finished_at or now
    waited = (until - run.requested_at).total_seconds()
    yield "Waited", "from the request until an executor with a free slot claimed it", waited
    if run.started_at is None:
        return
    before = 0.0
    for key, name, about in _INSIDE:
        if key in run.timing:
            yield name, about, run.timing[key] - before
            before = run.timing[key]
    whole = ((run.finished_at or now) - run.started_at).total_seconds()
    if run.finished_at is None:
        yield "Running", "since an executor claimed it", whole
    else:
        yield "Recorded", "until its end was in the event log", whole - before


def _placed(taken: list[tuple[str, str, float]]) -> Iterator[Hop]:
    whole = sum(seconds for _, _, seconds in taken) or 1.0
    room = WIDTH - _LEAST * len(taken)
    x = 0.0
    for name, about, seconds in taken:
        width = _LEAST + room * seconds / whole
        yield Hop(name, about, seconds, round(x, 2), round(width, 2))
        x += width
