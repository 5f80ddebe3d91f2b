"""What ran when in a workspace, and what will run: one lane a task, for a window of time."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any
from uuid import UUID

from libs.cache.bounded import BoundedCache
from libs.domain import schedule as schedules
from libs.domain.errors import Rejected
from libs.domain.task import Task
from libs.domain.values import Schedule
from libs.identity.users import User
from libs.postgres.pool import Database
from services.api.access import authorize as access
from services.api.read_model.row_types import Rows
from services.api.read_model.timeline import (
    RunBar,
    RunBucket,
    run_bars,
    run_buckets,
    scheduled_tasks,
    tasks_that_ran,
)
from services.api.timeline.schemas import Lane, Timeline

BUCKETS = 120  # that a window is divided into
MAX_LANES = 200
DEFAULT_LANES = 40
MAX_WINDOW = timedelta(days=366)
_FIRST_YEAR = 1970

# A lane with more runs than this is counted by bucket; up to it each of them is given.
MAX_BARS = 40
MAX_TICKS = 24
_MAX_SCHEDULES = 200  # that are looked at for runs to come
_MAX_KNOWN = 10_000
_NEVER = datetime.max.replace(tzinfo=UTC)


async def timeline(
    user: User,
    database: Database,
    workspace: int,
    start: datetime,
    end: datetime,
    limit: int = DEFAULT_LANES,
) -> Timeline:
    """The timeline of a workspace. Rejected("invalid") for a window that is too long or empty."""
    if not timedelta(0) < end - start <= MAX_WINDOW:
        raise Rejected("invalid", f"end: give one after start, by at most {MAX_WINDOW.days} days")
    if start.year < _FIRST_YEAR:
        raise Rejected("invalid", f"start: give an instant from {_FIRST_YEAR} on")
    limit, now = min(limit, MAX_LANES), datetime.now(UTC)
    async with database.snapshot() as rows:
        await access.workspace(user, rows, workspace)
        ran = await tasks_that_ran(rows, workspace, start, end, limit)
        idle = await _to_come(rows, workspace, ran, start, end, now, limit - len(ran))
        step = (end - start).total_seconds() / BUCKETS
        ids = [task.id for task in ran]
        counted = _by_task(await run_buckets(rows, workspace, ids, start, end, step))
        few = [id for id in ids if _count(counted[id]) <= MAX_BARS]
        drawn = _by_task(await run_bars(rows, workspace, few, start, end))
    tasks = [*ran, *idle][:limit]
    return Timeline(
        start=start,
        end=end,
        step_seconds=step,
        lanes=[_lane(one, counted[one.id], drawn[one.id], start, end, now) for one in tasks],
        limited=len(tasks) == limit,
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
    """Tasks that have not run in the window, but will."""
    if end <= now or limit <= 0:
        return []
    with_runs = {task.id for task in ran}
    scheduled = await scheduled_tasks(rows, workspace, _MAX_SCHEDULES)
    idle = (one for one in scheduled if one.id not in with_runs)
    due = (one for one in idle if any(_ticks(one, start, end, now)))
    return list(islice(due, limit))


def _ticks(task: Task, start: datetime, end: datetime, now: datetime) -> Iterator[datetime]:
    """The coming instants of a task's schedule in the window."""
    if task.schedule is None or task.status != "started":
        return
    tick = _next.after(task.schedule, max(start, now))
    if tick is not None and tick < end:
        yield tick
        yield from takewhile(lambda at: at < end, schedules.ticks_after(task.schedule, tick))


class _Next:
    """Caches the next instant of a schedule, which is expensive to find."""

    def __init__(self) -> None:
        self._known = BoundedCache[Schedule, tuple[datetime, datetime | None]](_MAX_KNOWN)

    def after(self, schedule: Schedule, instant: datetime) -> datetime | None:
        """The first tick later than `instant`; none where the schedule has no more."""
        since, tick = self._known.get(schedule, (_NEVER, None))
        if since <= instant and (tick is None or instant < tick):
            return tick
        tick = schedules.next_after(schedule, instant)
        self._known[schedule] = instant, tick
        return tick


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
    to_come = list(islice(ticks, MAX_TICKS))
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


def _by_task(items: list[RunBucket] | list[RunBar]) -> defaultdict[UUID, list[Any]]:
    by_task: defaultdict[UUID, list[Any]] = defaultdict(list)
    for one in items:
        by_task[one.task].append(one)
    return by_task
