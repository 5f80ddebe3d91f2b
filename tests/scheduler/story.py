"""A log made by hand: events with their positions and times, and the plan that comes of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import msgspec

from libs.domain.events import (
    Event,
    OrchestrationReady,
    OrchestrationUploaded,
    RunFinished,
    RunRequested,
    RunStarted,
    TaskCreated,
    decode,
    encode,
)
from libs.domain.ids import StreamId, orchestration_stream, run_id, run_stream, task_stream
from libs.domain.values import RunEnd, Schedule
from libs.eventlog.envelope import Recorded
from services.scheduler import decide
from services.scheduler.plan import Plan

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
ORCHESTRATION = UUID("0b2d6a3e-3c2f-4a61-9a52-5d8f0c6f1e22")
TASK = UUID("7f9c1f52-9b52-4d0e-8f43-0d7e7f5d2b11")

UPLOADED = OrchestrationUploaded(
    file_name="a.zip", file_size=1, sha="0" * 64, blob="archives/a", entrypoint="main.py"
)
READY = OrchestrationReady(environment="base", lock_digest="")
ONCE = TaskCreated(kind="once", orchestration=ORCHESTRATION)
CONTINUOUS = TaskCreated(kind="continuous", orchestration=ORCHESTRATION)


def every(seconds: int, **fields: object) -> TaskCreated:
    """A task on a schedule of every so many seconds; `fields` are the schedule's policies."""
    schedule = Schedule(expression=f"*/{seconds} * * * * *")
    return TaskCreated(
        kind="scheduled",
        orchestration=ORCHESTRATION,
        schedule=msgspec.structs.replace(schedule, **fields),
    )


def end(status: RunEnd = "success") -> RunFinished:
    return RunFinished(status=status, reason=status, lines=0)


class Story:
    def __init__(self) -> None:
        self.facts: list[Recorded] = []
        self.now = START
        self.plan = Plan()

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def tell(self, stream: StreamId, *events: Event) -> None:
        for event in events:
            fact = self._recorded(stream, event)
            self.facts.append(fact)
            self.plan.fold(fact)

    def _recorded(self, stream: StreamId, event: Event) -> Recorded:
        seq = len(self.facts) + 1
        return Recorded(
            seq=seq,
            id=str(uuid5(TASK, str(seq))),
            stream=stream,
            event=decode(encode(event)),
            at=self.now,
            actor="ann",
            source="test",
            correlation="c",
            causation="",
        )

    def packaged(self, orchestration: UUID = ORCHESTRATION) -> None:
        self.tell(orchestration_stream(1, orchestration), UPLOADED, READY)

    def task(self, *events: Event, id: UUID = TASK) -> None:
        self.tell(task_stream(1, id), *events)

    def run(
        self, scheduled_at: datetime, *events: Event, attempt: int = 1, task: UUID = TASK
    ) -> None:
        """Events of a run of the task."""
        self.tell(run_stream(1, run_id(task, scheduled_at, attempt)), *events)

    def due(self, id: UUID = TASK, pending_tick: datetime | None = None) -> list[Event]:
        """What the scheduler would append now."""
        return [step.proposed.event for step in decide.steps(self.plan, id, self.now, pending_tick)]

    def settle(self, id: UUID = TASK) -> list[Event]:
        """Appends what is due, and what is due after that, until nothing is."""
        events: list[Event] = []
        while steps := decide.steps(self.plan, id, self.now, None):
            for step in steps:
                events.append(step.proposed.event)
                self.tell(step.proposed.stream, step.proposed.event)
        return events

    def finish(self, scheduled_at: datetime, status: RunEnd = "success", attempt: int = 1) -> None:
        """An executor claims the run and ends it."""
        self.run(scheduled_at, RunStarted(executor="one"), end(status), attempt=attempt)


def started(order: TaskCreated) -> Story:
    """A story in which a task is under way since START; one that runs once has brought its run."""
    story = Story()
    story.packaged()
    story.task(order)
    if order.kind == "once":
        story.run(START, RunRequested(task=TASK, scheduled_at=START))
    story.settle()
    return story


def ticks(events: Sequence[Event]) -> list[str]:
    """Runs that are requested: seconds since START, attempt, missed, as in `20#2+1`."""
    return [
        f"{(one.scheduled_at - START).total_seconds():g}"
        + (f"#{one.attempt}" if one.attempt > 1 else "")
        + (f"+{one.missed}" if one.missed else "")
        for one in events
        if isinstance(one, RunRequested)
    ]
