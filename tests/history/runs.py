"""I2, I6 and I7: what may stand in the log of a run, in which order, and beside its task's end."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from libs.domain.events import (
    RunFinished,
    RunRequested,
    RunStarted,
    TaskCreated,
    TaskKilled,
    TaskKillRequested,
)
from libs.eventlog.envelope import Recorded
from tests.history.finding import Finding, by_stream, names

IN_TIME = timedelta(seconds=90)  # a run that nobody sees any more is closed long before
_LIFE = ["RunRequested", "RunStarted", "RunFinished"]
_BAD = ("failure", "timed_out")


def lives(events: Sequence[Recorded], quiet: bool) -> Iterator[Finding]:
    """Of every run: asked for, started at most once, ended once; `quiet`: nothing is under way."""
    for run, facts in by_stream(events, "run").items():
        told = names(facts)
        for name in _LIFE:
            if told.count(name) > 1:
                rule = "I2" if name == "RunStarted" else "log"
                yield Finding(rule, f"run {run}", f"{told.count(name)} times {name}")
        if told[0] != "RunRequested":
            yield Finding("log", f"run {run}", f"begins with {told[0]}")
        if "RunFinished" in told and told[-1] != "RunFinished":
            yield Finding("log", f"run {run}", f"{told[-1]} after its end")
        if "RunStarted" not in told and any(_succeeded(fact) for fact in facts):
            yield Finding("log", f"run {run}", "a success, and it never started")
        if "RunFinished" not in told and quiet:
            yield Finding("I6", f"run {run}", "it has no end")


def _succeeded(fact: Recorded) -> bool:
    return isinstance(fact.event, RunFinished) and fact.event.status == "success"


def ended_in_time(
    events: Sequence[Recorded], asked_to_end: Mapping[str, datetime]
) -> Iterator[Finding]:
    """I6: by when each of these runs was to be over."""
    for run, facts in by_stream(events, "run").items():
        ends = [fact.at for fact in facts if isinstance(fact.event, RunFinished)]
        if run in asked_to_end and ends and ends[0] > asked_to_end[run] + IN_TIME:
            late = (ends[0] - asked_to_end[run]).total_seconds()
            yield Finding("I6", f"run {run}", f"it ended {late:.0f} s after it was to")


def time_limits(events: Sequence[Recorded]) -> Iterator[Finding]:
    """I6: a task's time-out ends its runs, whatever has become of executors meanwhile."""
    limits = {
        fact.stream.id: fact.event.timeout
        for fact in events
        if isinstance(fact.event, TaskCreated) and fact.event.timeout
    }
    due: dict[str, datetime] = {}
    task_of: dict[str, str] = {}
    for fact in events:
        if isinstance(fact.event, RunRequested):
            task_of[fact.stream.id] = str(fact.event.task)
        elif isinstance(fact.event, RunStarted) and task_of.get(fact.stream.id) in limits:
            due[fact.stream.id] = fact.at + timedelta(seconds=limits[task_of[fact.stream.id]] or 0)
    yield from ended_in_time(events, due)


def attempts(events: Sequence[Recorded]) -> Iterator[Finding]:
    """A run's name says its task, instant and attempt; a further attempt follows a bad end."""
    created = {fact.stream.id: fact.event for fact in events if isinstance(fact.event, TaskCreated)}
    ends: dict[str, str] = {}
    for fact in events:
        event = fact.event
        if isinstance(event, RunFinished):
            ends[fact.stream.id] = event.status
        if not isinstance(event, RunRequested):
            continue
        about = f"run {fact.stream.id}"
        if str(event.task) not in created:
            yield Finding("log", about, f"there is no task {event.task}")
        elif event.attempt > created[str(event.task)].retry.attempts:
            yield Finding("log", about, f"attempt {event.attempt} is one too many")
        if fact.stream.id != _name(event.task, event.scheduled_at, event.attempt):
            yield Finding("log", about, "this is not the name of its tick")
        if event.attempt > 1:
            before = _name(event.task, event.scheduled_at, event.attempt - 1)
            if ends.get(before) not in _BAD:
                yield Finding("log", about, "the attempt before it has not failed")


def _name(task: UUID, at: datetime, attempt: int) -> str:
    """As it is written in every log since the first."""
    instant = at.astimezone(UTC).isoformat(timespec="microseconds")
    return str(uuid5(task, instant if attempt == 1 else f"{instant}#{attempt}"))


def kills(events: Sequence[Recorded]) -> Iterator[Finding]:
    """I7: nothing comes after TaskKilled, and it comes after a request."""
    asked: set[str] = set()
    killed: set[str] = set()
    for fact in events:
        id = fact.stream.id
        if id in killed:
            yield Finding("I7", f"task {id}", f"{type(fact.event).__name__} after TaskKilled")
        if isinstance(fact.event, TaskKillRequested):
            asked.add(id)
        elif isinstance(fact.event, TaskKilled):
            killed.add(id)
            if id not in asked:
                yield Finding("log", f"task {id}", "killed, and nobody asked for it")


def killed_runs(events: Sequence[Recorded]) -> Iterator[Finding]:
    """I7: at TaskKilled no run of the task is under way, and after it none starts."""
    killed: set[str] = set()
    task_of: dict[str, str] = {}
    under_way: set[str] = set()
    for fact in events:
        run = fact.stream.id
        match fact.event:
            case RunRequested(task=task):
                task_of[run] = str(task)
            case RunStarted():
                under_way.add(run)
                if task_of.get(run) in killed:
                    yield Finding("I7", f"run {run}", "it started after TaskKilled")
            case RunFinished():
                under_way.discard(run)
            case TaskKilled():
                killed.add(fact.stream.id)
                for one in sorted(one for one in under_way if task_of.get(one) == fact.stream.id):
                    yield Finding("I7", f"run {one}", "it was under way at TaskKilled")
