"""I3: every tick of active time is in one RunRequested, or in one `missed`.

Active time goes from TaskStarted or TaskResumed to the request to pause or to kill, or to the end.
It never begins before what has counted, though a clock may. For a while after such a request the
scheduler can't know of it: a tick of that time may be asked for, or counted, or neither.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from libs.domain.events import (
    RunRequested,
    TaskCompleted,
    TaskCreated,
    TaskFailed,
    TaskKilled,
    TaskKillRequested,
    TaskPaused,
    TaskPauseRequested,
    TaskResumed,
    TaskStarted,
)
from libs.domain.values import Schedule
from libs.eventlog.envelope import Recorded
from tests.history.finding import Finding
from tests.history.instants import due_between

SLACK = timedelta(seconds=1)  # within which every copy of the scheduler has heard of an event
LATE = timedelta(seconds=60)  # after which a tick that could be asked for should have been
_BEGIN = (TaskStarted, TaskResumed)
_ASK_TO_STOP = (TaskPauseRequested, TaskKillRequested)
_STOPPED = (TaskPaused, TaskResumed, TaskKilled, TaskCompleted, TaskFailed)
_OVER = (TaskKilled, TaskCompleted, TaskFailed)


def accounted(events: Sequence[Recorded]) -> Iterator[Finding]:
    """Over a whole log, in its order."""
    told: defaultdict[str, list[Recorded]] = defaultdict(list)
    for fact in events:
        if fact.stream.aggregate == "task":
            told[fact.stream.id].append(fact)
        elif isinstance(fact.event, RunRequested) and fact.event.attempt == 1:
            told[str(fact.event.task)].append(fact)
    for task, facts in told.items():
        created = facts[0].event
        if isinstance(created, TaskCreated) and created.schedule is not None:
            yield from _of_task(task, created.schedule, facts, events[-1].at)


def _of_task(
    task: str, schedule: Schedule, facts: list[Recorded], end: datetime
) -> Iterator[Finding]:
    must, may = _times(facts, end)
    instants = _instants(schedule, must)
    maybe = _instants(schedule, may)
    if instants is None or maybe is None:
        return  # its schedule is beyond this checker
    account = _Account(instants, sorted(set(maybe) - set(instants)))
    for fact in facts:
        event = fact.event
        if isinstance(event, RunRequested):
            for what in account.ask(event.scheduled_at, event.missed, fact.at):
                yield Finding("I3", f"task {task}", what)
        elif isinstance(event, _OVER):
            for what in account.over(event.missed):
                yield Finding("I3", f"task {task}", f"at {type(event).__name__}: {what}")
    if not any(isinstance(fact.event, _OVER) for fact in facts) and _asks_at_once(schedule, facts):
        for at in account.left(end - LATE):
            yield Finding("I3", f"task {task}", f"the tick of {at:%H:%M:%S} is long overdue")


def _asks_at_once(schedule: Schedule, facts: list[Recorded]) -> bool:
    last = next(fact for fact in reversed(facts) if fact.stream.aggregate == "task")
    at_once = schedule.overlap == "allow" and schedule.misfire != "none"
    return at_once and isinstance(last.event, _BEGIN)


Spans = list[tuple[datetime, datetime]]


def _times(facts: list[Recorded], end: datetime) -> tuple[Spans, Spans]:
    """Active time, and time after it of which the scheduler might not have known the end."""
    must: Spans = []
    may: Spans = []
    since: datetime | None = None
    asked: datetime | None = None
    counted: list[datetime] = []
    latest = facts[0].at  # where a clock is set back, what it said before has been
    for fact in facts:
        latest = max(latest, fact.at)
        if isinstance(fact.event, RunRequested):
            counted.append(fact.event.scheduled_at)
        if asked is not None and isinstance(fact.event, _STOPPED):
            may.append((asked, fact.at + SLACK))
            asked = None
        if isinstance(fact.event, _BEGIN):
            if since is not None:  # nobody has asked it to stop
                must.append((since, fact.at))
            since = max([fact.at, *counted, *(through for _, through in must)])
        elif since is not None and isinstance(fact.event, _ASK_TO_STOP):
            must.append((since, fact.at))
            may.append((fact.at, latest))
            since, asked = None, fact.at
        elif since is not None and isinstance(fact.event, _OVER):
            must.append((since, fact.at))
            may.append((fact.at, latest))
            since = None
    if since is not None:
        must.append((since, end))
    if asked is not None:
        may.append((asked, end))
    return must, may


def _instants(schedule: Schedule, spans: Spans) -> list[datetime] | None:
    found: set[datetime] = set()
    for after, through in spans:
        instants = due_between(schedule, after, through)
        if instants is None:
            return None
        found.update(instants)
    return sorted(found)


class _Account:
    """Goes through the ticks of a task as they are asked for."""

    def __init__(self, must: list[datetime], may: list[datetime]) -> None:
        self._must = must
        self._may = may
        self._known = {*must, *may}
        self._last: datetime | None = None

    def ask(self, tick: datetime, missed: int, now: datetime) -> Iterator[str]:
        name = f"the tick of {tick:%H:%M:%S}"
        if self._last is not None and tick <= self._last:
            yield f"{name} was accounted for already, by that of {self._last:%H:%M:%S}"
            return
        if tick not in self._known:
            yield f"{name} is none of its active time"
        if tick > now:
            yield f"{name} was asked for before it came"
        yield from self._count(self._between(self._must, tick), tick, missed, name)
        self._last = tick

    def over(self, missed: int) -> Iterator[str]:
        yield from self._count(len(self._after(self._must)), None, missed, "its end")
        self._must = []

    def left(self, through: datetime) -> list[datetime]:
        return [at for at in self._after(self._must) if at <= through]

    def _count(self, least: int, tick: datetime | None, missed: int, name: str) -> Iterator[str]:
        most = least + (self._between(self._may, tick) if tick else len(self._after(self._may)))
        if missed < least:
            yield f"{name} counts {missed} before it, of {least}: ticks are lost"
        if missed > most:
            yield f"{name} counts {missed} before it, of {most}: ticks are counted twice"

    def _after(self, instants: list[datetime]) -> list[datetime]:
        return instants[self._start(instants) :]

    def _between(self, instants: list[datetime], tick: datetime) -> int:
        return max(0, bisect_left(instants, tick) - self._start(instants))

    def _start(self, instants: list[datetime]) -> int:
        return bisect_right(instants, self._last) if self._last else 0
