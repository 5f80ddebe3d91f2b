"""The answer of the route for the timeline."""

from datetime import datetime
from uuid import UUID

import msgspec

from libs.domain.values import Kind
from services.api.read_model.timeline import RunBar, RunBucket


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of a task in the window: each in `bars` if they are few, else counted in `buckets`.

    `to_come` are the next instants of its schedule in the window; `more` says that others follow.
    """

    task: UUID
    name: str | None
    kind: Kind
    runs: int
    bars: list[RunBar]
    buckets: list[RunBucket]
    to_come: list[datetime]
    more: bool


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """The window [start, end), in buckets of `step_seconds`. The lane that ran last comes first;
    lanes that have not run yet come last. `limited` says that there may be more lanes."""

    start: datetime
    end: datetime
    step_seconds: float
    lanes: list[Lane]
    limited: bool
