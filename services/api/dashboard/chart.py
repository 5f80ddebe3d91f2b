"""The last runs of a task as columns: the height is the duration, the colour the status."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.domain.run import Run, Status

WIDTH = 1000.0
HEIGHT = 100.0
RUNS = 100
_LEAST = 2.0


class Column(NamedTuple):
    run: UUID
    status: Status
    began: datetime
    seconds: float
    x: float
    y: float
    width: float
    height: float


def columns(runs: Sequence[Run], longest: float | None) -> list[Column]:
    """The columns of ended runs, oldest first; the newest is at the right edge."""
    step = WIDTH / RUNS
    left = WIDTH - step * len(runs)
    return [_column(run, left + step * place, step, longest) for place, run in enumerate(runs)]


def _column(run: Run, x: float, step: float, longest: float | None) -> Column:
    began = run.started_at or run.requested_at
    seconds = ((run.finished_at or began) - began).total_seconds()
    height = height_of(seconds, longest)
    return Column(
        run.id,
        run.status,
        began,
        seconds,
        round(x, 2),
        round(HEIGHT - height, 2),
        round(step * 0.8, 2),
        round(height, 2),
    )


def height_of(seconds: float, longest: float | None) -> float:
    share = seconds / longest if longest else 0.0
    return max(share * HEIGHT, _LEAST)
