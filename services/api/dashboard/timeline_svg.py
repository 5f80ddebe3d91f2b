"""A timeline drawn: where in a lane each run goes. Pure; a lane is WIDTH by HEIGHT units."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from libs.domain.run import Status
from libs.domain.run_end import ENDED, FAILED
from services.api.read_model.timeline import RunBar, RunBucket
from services.api.timeline.queries import BUCKETS
from services.api.timeline.schemas import Lane

WIDTH = 1200.0
HEIGHT = 24.0
_LEAST = 3.0  # a run of a millisecond is still to be seen, and to be clicked
# From the ground up in a column: what went wrong stands out at the bottom.
_STACK: tuple[Status, ...] = (
    "failure",
    "timed_out",
    "killed",
    "running",
    "requested",
    "success",
)


class Bar(NamedTuple):
    run: UUID
    status: Status
    begun: datetime
    seconds: float | None
    x: float
    width: float


class Heap(NamedTuple):
    """All columns of one status, as one path."""

    status: Status
    path: str


class Drawn(NamedTuple):
    """`mean_seconds` is of the runs that have ended. From `rest` to the end more is to come than is
    drawn; none where that is not so."""

    lane: Lane
    bars: list[Bar]
    heaps: list[Heap]
    to_come: list[float]
    rest: float | None
    failed: int
    mean_seconds: float | None


class Scale:
    """From instants to places in a lane."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self._start = start
        self._per_second = WIDTH / (end - start).total_seconds()

    def x(self, at: datetime) -> float:
        """Within the lane, also for what is outside the window."""
        return round(min(max((at - self._start).total_seconds() * self._per_second, 0), WIDTH), 1)


def drawn(lane: Lane, scale: Scale, now: datetime) -> Drawn:
    to_come = [scale.x(tick) for tick in lane.to_come]
    return Drawn(
        lane,
        [_bar(bar, scale, now) for bar in lane.bars],
        _heaps(lane.buckets),
        [] if lane.more else to_come,
        to_come[0] if lane.more else None,
        sum(bar.status in FAILED for bar in lane.bars)
        + sum(one.count for one in lane.buckets if one.status in FAILED),
        _mean(lane),
    )


def _mean(lane: Lane) -> float | None:
    took = [(bar.ended - bar.begun).total_seconds() for bar in lane.bars if bar.ended]
    ended = [one for one in lane.buckets if one.status in ENDED]
    count = len(took) + sum(one.count for one in ended)
    return (sum(took) + sum(one.total_seconds for one in ended)) / count if count else None


def _bar(bar: RunBar, scale: Scale, now: datetime) -> Bar:
    x = min(scale.x(bar.begun), WIDTH - _LEAST)
    width = max(scale.x(bar.ended or now) - x, _LEAST)
    seconds = (bar.ended - bar.begun).total_seconds() if bar.ended else None
    return Bar(bar.id, bar.status, bar.begun, seconds, x, round(width, 1))


def _heaps(buckets: Sequence[RunBucket]) -> list[Heap]:
    """Columns as high as there are runs in them, the highest as high as the lane."""
    columns: defaultdict[int, dict[Status, int]] = defaultdict(dict)
    for one in buckets:
        columns[one.bucket][one.status] = one.count
    most = max((sum(column.values()) for column in columns.values()), default=0)
    paths: defaultdict[Status, list[str]] = defaultdict(list)
    width = WIDTH / BUCKETS
    for number, column in columns.items():
        y = HEIGHT
        for status in (status for status in _STACK if status in column):
            height = max(column[status] / most * HEIGHT, 1.0)
            y -= height
            paths[status].append(
                f"M{number * width:.0f} {y:.1f}h{width - 1.5:.1f}v{height:.1f}h-{width - 1.5:.1f}z"
            )
    return [Heap(status, "".join(path)) for status, path in paths.items()]


def _column(x: float, y: float, width: float, height: float) -> str:
    return f"M{x:.0f} {y:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z"


def grid(parts: int) -> str:
    """Lines between the parts of a lane, as one path."""
    return "".join(f"M{WIDTH * part / parts:.0f} 0v{HEIGHT:.0f}" for part in range(1, parts))


class Tick(NamedTuple):
    """A mark of the axis."""

    at: datetime
    label: str


def ticks(start: datetime, end: datetime, step: timedelta, form: str) -> list[Tick]:
    marks = []
    while start < end:
        marks.append(Tick(start, f"{start:{form}}"))
        start += step
    return marks
