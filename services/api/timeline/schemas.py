"""The timeline as it goes out."""

from datetime import datetime
from uuid import UUID

import msgspec

from libs.domain.values import Kind
from services.api.read_model.timeline import RunBar, RunBucket


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """A task's runs in the window: each in `bars` where they are few, else counted in `buckets`.

    `to_come` are the first instants of its schedule that are still to come in the window; `more`
    says that others follow.
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
    """[start, end) in `step_seconds` a bucket. Lanes: the last to run first, then what is only to
    come. `limited` says that there may be more of them."""

    start: datetime
    end: datetime
    step_seconds: float
    lanes: list[Lane]
    limited: bool
