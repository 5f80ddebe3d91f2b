"""From the plan and the time to the events that are due: pure, and the same for every copy."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from uuid import UUID

import msgspec

from libs.domain import run as runs
from libs.domain import run_end
from libs.domain import schedule as schedules
from libs.domain import task as tasks
from libs.domain.events import Event, RunRequested, TaskCompleted, TaskFailed, TaskKilled
from libs.domain.ids import StreamId, run_id, run_stream, task_stream
from libs.domain.schedule import Busy, Span
from libs.domain.values import Schedule
from libs.eventlog.envelope import Context
from libs.eventlog.log import Proposed
from services.scheduler.plan import Plan
from services.scheduler.plan_items import Kill, OpenRun, PlannedTask, stream_of

SOURCE = "scheduler"
_EVENTS_WITH_MISSED = (RunRequested, TaskKilled, TaskFailed, TaskCompleted)
_MAX_CLOSED_RUNS = 1000  # runs at a time; their ends bring the others' turn


class Step(msgspec.Struct, frozen=True):
    """An event to append, and its context. `task` is the task it is about. `in_ended_time` says
    that its tick lies in active time that a pause has ended."""

    task: UUID
    proposed: Proposed
    context: Context
    in_ended_time: bool = False

    @property
    def tick(self) -> datetime | None:
        """The tick that this step requests a run for, if it does."""
        event = self.proposed.event
        return event.scheduled_at if isinstance(event, RunRequested) else None

    @property
    def workspace(self) -> int:
        """The workspace of the event's stream."""
        return self.proposed.stream.workspace

    @property
    def settles(self) -> bool:
        """Whether it says what became of ticks that another copy may see otherwise."""
        event = self.proposed.event
        return self.in_ended_time or (isinstance(event, _EVENTS_WITH_MISSED) and event.missed > 0)


def steps(plan: Plan, id: UUID, now: datetime, pending_tick: datetime | None) -> list[Step]:
    """The steps that are due of one task; `pending_tick` is a requested tick that is not in the
    plan yet."""
    if id in plan.kills:
        return []  # its task's state is in the log alone: the ticker decides there
    entry = plan.tasks.get(id)
    if entry is None:
        return []
    context = Context(
        source=SOURCE,
        actor=SOURCE,
        correlation=entry.correlation,
        causation=entry.cause,
        # One trace follows one run; those of a schedule would make one that never ends.
        traceparent=entry.traceparent if entry.task.kind == "once" else "",
    )
    proposals = _proposals(plan, id, entry, now, pending_tick)
    return [Step(id, one, context, _is_in_ended_time(entry, one.event)) for one in proposals]


def _is_in_ended_time(entry: PlannedTask, event: Event) -> bool:
    return isinstance(event, RunRequested) and any(
        span.through is not None and span.after < event.scheduled_at <= span.through
        for span in entry.active
    )


def _proposals(
    plan: Plan, id: UUID, entry: PlannedTask, now: datetime, pending_tick: datetime | None
) -> Iterator[Proposed]:
    task = entry.task
    if task.status == "pending_kill":
        yield from islice(_close_queued(plan, id), _MAX_CLOSED_RUNS)
    packaging = plan.orchestrations.get(task.orchestration)
    ready = packaging is not None and not packaging.reason

    def task_event(event: Event) -> Proposed:
        return Proposed(task_stream(task.workspace, id), entry.version, event)

    has_open = bool(plan.open_runs(id))
    open_runs = has_open or _has_pending_run(entry, pending_tick)
    ticks = list(_ticks(entry, has_open, now, pending_tick)) if ready else []
    for tick in ticks:  # before a pause is confirmed: what was due until then comes first
        stream = run_stream(task.workspace, run_id(id, tick.scheduled_at, tick.attempt))
        yield Proposed(stream, 0, tick)
    left = _count_missed(entry, now, pending_tick) if task.status == "pending_kill" else 0
    yield from map(task_event, tasks.settle(task, ready, open_runs, left))
    if packaging is not None and packaging.reason:
        reason, missed = (
            f"packaging failed: {packaging.reason}",
            _count_missed(entry, now, pending_tick),
        )
        yield from map(task_event, tasks.fail(task, reason, missed))
    if ready and _may_run(task) and not ticks and not open_runs and _has_ended(entry, now):
        missed = _count_missed(entry, now, pending_tick)
        yield from map(task_event, tasks.complete(task, missed))


def _has_pending_run(entry: PlannedTask, pending_tick: datetime | None) -> bool:
    """Whether a run is open of which the plan does not know yet."""
    return pending_tick is not None and (entry.last_tick is None or entry.last_tick < pending_tick)


def _may_run(task: tasks.Task) -> bool:
    return task.status == "started" or (task.kind == "once" and task.status == "pending")


def _close_queued(plan: Plan, task: UUID) -> Iterator[Proposed]:
    """Runs that no executor has claimed end here; the others end where they run."""
    for id in plan.open_runs(task):
        run = plan.runs[id]
        if not run.executor:
            for event in runs.finish(run, run_end.killed().ended(lines=0)):
                yield Proposed(stream_of(run, id), run.version, event)


def _ticks(
    entry: PlannedTask, has_open: bool, now: datetime, pending_tick: datetime | None
) -> Iterator[RunRequested]:
    task = entry.task
    if task.status == "pending_pause":
        yield from _schedule_ticks(entry, has_open, now, pending_tick)
    if not _may_run(task):
        return
    for retry in entry.retries:
        if retry.at <= now:
            yield RunRequested(task=task.id, scheduled_at=retry.scheduled_at, attempt=retry.attempt)
    if task.schedule is not None:
        yield from _schedule_ticks(entry, has_open, now, pending_tick)
        return
    due = _single_due(entry, has_open)
    if due is not None and (entry.next_at or due) <= now and due != pending_tick:
        yield RunRequested(task=task.id, scheduled_at=due)


def _single_due(entry: PlannedTask, has_open: bool) -> datetime | None:
    """The instant of a run-once or continuous task's next run."""
    if entry.task.kind == "once":
        return entry.task.created_at if entry.last_tick is None else None
    if has_open:
        return None
    return entry.next_at or entry.task.active_since


def _schedule_ticks(
    entry: PlannedTask, has_open: bool, now: datetime, pending_tick: datetime | None
) -> Iterator[RunRequested]:
    task = entry.task
    if task.schedule is None:
        return
    busy = Busy(
        has_open or bool(entry.retries) or _has_pending_run(entry, pending_tick),
        entry.last_run_ended_at,
    )
    for tick in schedules.due(
        task.schedule, _unaccounted_time(entry, task.schedule, pending_tick), now, busy
    ):
        yield RunRequested(task=task.id, scheduled_at=tick.at, missed=tick.missed)


def _unaccounted_time(
    entry: PlannedTask, schedule: Schedule, pending_tick: datetime | None
) -> list[Span]:
    """The time that nothing accounts for."""
    last = max((at for at in (entry.last_tick, pending_tick) if at is not None), default=None)
    if last is None:
        return entry.active
    active = schedules.rest(entry.active, last)
    if active and active[0].after == last:
        return schedules.rest(active, schedules.accounted_for(schedule, last))
    return active


def _count_missed(entry: PlannedTask, now: datetime, pending_tick: datetime | None) -> int:
    schedule = entry.task.schedule
    if schedule is None:
        return 0
    return schedules.uncounted(schedule, _unaccounted_time(entry, schedule, pending_tick), now)


def _has_ended(entry: PlannedTask, now: datetime) -> bool:
    schedule = entry.task.schedule
    return (
        schedule is not None and not entry.retries and schedules.next_after(schedule, now) is None
    )


def wake_at(plan: Plan, id: UUID, now: datetime) -> datetime | None:
    """The instant at which something of the task falls due if no event comes before; None if
    nothing will."""
    entry = plan.tasks.get(id)
    if entry is None or not _may_run(entry.task):
        return None
    times = [retry.at for retry in entry.retries]
    if entry.task.schedule is not None:
        following = schedules.next_after(entry.task.schedule, now)
        times += [following] if following else []
    elif (due := _single_due(entry, bool(plan.open_runs(id)))) is not None:
        times.append(entry.next_at or due)
    return min(times, default=None)


def lost_run_steps(plan: Plan, lost_executors: set[str]) -> list[Step]:
    """The ends of the runs that these executors have claimed (I6)."""
    return [
        Step(run.task, Proposed(stream_of(run, id), run.version, event), _because(run))
        for id, run in plan.runs.items()
        if run.executor in lost_executors
        for event in runs.finish(run, run_end.executor_lost().ended())
    ]


def _because(of: OpenRun | Kill) -> Context:
    return Context(source=SOURCE, actor=SOURCE, correlation=of.correlation, causation=of.cause)


def kill_stream(plan: Plan, id: UUID) -> tuple[StreamId, Context]:
    """The stream and the context for confirming the kill of a task that the plan has forgotten."""
    kill = plan.kills[id]
    return task_stream(kill.workspace, id), _because(kill)
