"""What ran when in a workspace, and what is to come: a lane a task, for a window of time."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any
from uuid import UUID

import msgspec

from libs.domain import schedule as schedules
from libs.domain.errors import Rejected
from libs.domain.events import Kind, Schedule
from libs.domain.task import Task
from services.api.access import authorize as access
from services.api.http.request_context import RequestContext
from services.api.http.route import Route
from services.api.read_model.row_types import Rows
from services.api.read_model.timeline import (
    RunBar,
    RunBucket,
    run_bars,
    run_buckets,
    scheduled_tasks,
    tasks_that_ran,
)

BUCKETS = 120  # that a window is divided into
MOST_LANES = 200
DEFAULT_LANES = 40
LONGEST = timedelta(days=366)
_FIRST_YEAR = 1970

# A lane with more runs than this is counted by bucket; up to it each of them is told.
MOST_BARS = 40
MOST_TICKS = 24
_SCHEDULES = 200  # that are looked at for runs to come
_MOST_KNOWN = 10_000
_NEVER = datetime.max.replace(tzinfo=UTC)


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


async def show(context: RequestContext, _: None) -> Timeline:
    query, now = context.request.query, datetime.now(UTC)
    text = query.get("workspace_id", "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Rejected("invalid", "workspace_id: give the number of a workspace")
    end = _instant("end", query.get("end", ""), now)
    start = _instant("start", query.get("start", ""), end - timedelta(days=1))
    return await timeline(context, int(text), start, end)


def _instant(field: str, text: str, default: datetime) -> datetime:
    if not text:
        return default
    try:
        given = datetime.fromisoformat(text.replace(" ", "+"))
        return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Rejected(
            "invalid", f"{field}: give an instant such as 2026-11-22T10:00:00Z"
        ) from None


async def timeline(
    context: RequestContext,
    workspace: int,
    start: datetime,
    end: datetime,
    limit: int = DEFAULT_LANES,
) -> Timeline:
    """Rejected("invalid") for a window that is none."""
    if not timedelta(0) < end - start <= LONGEST:
        raise Rejected("invalid", f"end: give one after start, by at most {LONGEST.days} days")
    if start.year < _FIRST_YEAR:
        raise Rejected("invalid", f"start: give an instant from {_FIRST_YEAR} on")
    limit, now = min(limit, MOST_LANES), datetime.now(UTC)
    async with context.store.rows.snapshot() as rows:
        await access.workspace(context.user, rows, workspace)
        ran = await tasks_that_ran(rows, workspace, start, end, limit)
        idle = await _to_come(rows, workspace, ran, start, end, now, limit - len(ran))
        step = (end - start).total_seconds() / BUCKETS
        ids = [task.id for task in ran]
        counted = _by_task(await run_buckets(rows, workspace, ids, start, end, step))
        few = [id for id in ids if _count(counted[id]) <= MOST_BARS]
        drawn = _by_task(await run_bars(rows, workspace, few, start, end))
    shown = [*ran, *idle][:limit]
    return Timeline(
        start=start,
        end=end,
        step_seconds=step,
        lanes=[_lane(one, counted[one.id], drawn[one.id], start, end, now) for one in shown],
        limited=len(shown) == limit,
    )


async def _to_come(
    rows: Rows,
    workspace: int,
    ran: list[Task],
    start: datetime,
    end: datetime,
    now: datetime,
    limit: int,
) -> list[Task]:
    """Tasks that have not run in the window, and will."""
    if end <= now or limit <= 0:
        return []
    known = {task.id for task in ran}
    found = await scheduled_tasks(rows, workspace, _SCHEDULES)
    idle = (one for one in found if one.id not in known and any(_ticks(one, start, end, now)))
    return list(islice(idle, limit))


def _ticks(task: Task, start: datetime, end: datetime, now: datetime) -> Iterator[datetime]:
    """The instants of its schedule in the window that are still to come."""
    if task.schedule is None or task.status != "started":
        return
    tick = _next.after(task.schedule, max(start, now))
    if tick is not None and tick < end:
        yield tick
        yield from takewhile(lambda at: at < end, schedules.ticks_after(task.schedule, tick))


class _Next:
    """The next instant of a schedule is the same until it has come, and dear to find."""

    def __init__(self) -> None:
        self._known: dict[Schedule, tuple[datetime, datetime | None]] = {}

    def after(self, schedule: Schedule, instant: datetime) -> datetime | None:
        asked, known = self._known.get(schedule, (_NEVER, None))
        if asked <= instant and (known is None or instant < known):
            return known
        found = schedules.next_after(schedule, instant)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[schedule] = instant, found
        return found


_next = _Next()


def _lane(
    task: Task,
    counted: list[RunBucket],
    drawn: list[RunBar],
    start: datetime,
    end: datetime,
    now: datetime,
) -> Lane:
    ticks = _ticks(task, start, end, now)
    to_come = list(islice(ticks, MOST_TICKS))
    return Lane(
        task=task.id,
        name=task.name,
        kind=task.kind,
        runs=_count(counted),
        bars=drawn,
        buckets=[] if drawn else counted,
        to_come=to_come,
        more=next(ticks, None) is not None,
    )


def _count(counted: list[RunBucket]) -> int:
    return sum(one.count for one in counted)


def _by_task(found: list[RunBucket] | list[RunBar]) -> defaultdict[UUID, list[Any]]:
    by_task: defaultdict[UUID, list[Any]] = defaultdict(list)
    for one in found:
        by_task[one.task].append(one)
    return by_task


TIMELINE_ROUTES = (
    Route(
        "GET",
        "/v1/api/timeline",
        show,
        None,
        Timeline,
        "What ran when in a workspace, and what is to come: a lane a task.",
        query=("workspace_id", "start", "end"),
    ),
)
