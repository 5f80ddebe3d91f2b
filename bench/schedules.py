"""Schedules on a platform that has many armed: from the instant to the first line, and a crowd that
is due at one instant."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from bench.figure import Figure, percentile, show
from bench.fill import Event, Shape, append, fill
from bench.live import PATIENCE, Live, live
from examples.demo import call
from libs.domain.events import RunFinished, RunRequested, TaskCreated, TaskStarted
from libs.domain.ids import task_stream
from libs.domain.values import Schedule
from libs.eventlog.envelope import Recorded

STAMPED = "import time\nprint(time.time_ns())\n"
ARMED = Shape(orchestrations=10, tasks=11_112, runs=0)  # nine in ten are schedules
TICKS = 20  # of the schedule that is watched
CROWD = 1_000
AHEAD = timedelta(seconds=8)  # for the crowd to be in the log and known before it is due


def measure() -> list[Figure]:
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    async with live() as place:
        orchestration = await place.orchestration("plain", STAMPED)
        await fill(place.nats, place.workspace, "bench", ARMED)
        after = await place.log.end()
        await place.run_once(orchestration)
        await place.event(RunFinished, after)  # all before it is known, its environment warm
        return [*await _watched(place, orchestration), await _crowd(place, UUID(orchestration))]


async def _watched(place: Live, orchestration: str) -> list[Figure]:
    """One that is due every second, among those that are not."""
    after = await place.log.end()
    body = {"orch_id": orchestration, "workspace_id": place.workspace, "json": {}}
    made = await call(place.session, "task/run_scheduled", body | {"schedule": "* * * * * *"})
    runs = await _runs(place, after, UUID(made["id"]))
    waits = [(await place.printed(run) - due.timestamp()) * 1e3 for run, due in runs]
    await call(place.session, "task/kill", {"id": made["id"]})  # not before: it takes the logs
    what = "scheduled instant -> first line, 10,000 armed"
    return [
        Figure(f"{what}, {name}", percentile(waits, share), "ms", f"<= {most} ms",
               percentile(waits, share) <= most)
        for name, share, most in (("p50", 0.5, 8), ("p99", 0.99, 30))
    ]  # fmt: skip


async def _runs(place: Live, after: int, task: UUID) -> list[tuple[str, datetime]]:
    """Runs of a task that have ended, with the instants that they were due at."""
    due: dict[str, datetime] = {}
    ended: list[str] = []
    async with asyncio.timeout(PATIENCE):
        async for batch in place.log.follow(after, ("event.*.run.*",)):
            for fact in batch:
                if isinstance(fact.event, RunRequested) and fact.event.task == task:
                    due[fact.stream.id] = fact.event.scheduled_at
                elif isinstance(fact.event, RunFinished) and fact.stream.id in due:
                    ended.append(fact.stream.id)
            if len(ended) >= TICKS:
                break
    return [(run, due[run]) for run in ended]


async def _crowd(place: Live, orchestration: UUID) -> Figure:
    """From the one instant that all are due at to the last of their requests in the log."""
    due = (datetime.now(UTC) + AHEAD).replace(microsecond=0)
    yearly = Schedule(expression=f"{due.second} {due.minute} {due.hour} {due.day} {due.month} *")
    tasks = {uuid4() for _ in range(CROWD)}
    created = TaskCreated(kind="scheduled", orchestration=orchestration, schedule=yearly)
    after, now = await place.log.end(), datetime.now(UTC)
    await append(place.nats, "bench", (_armed(place.workspace, id, created, now) for id in tasks))
    assert time.time() < due.timestamp() - 1, "the crowd was not armed in time"
    last: Recorded | None = None
    async with asyncio.timeout(PATIENCE):
        async for batch in place.log.follow(after, ("event.*.run.*",)):
            for fact in batch:
                if isinstance(fact.event, RunRequested) and fact.event.task in tasks:
                    tasks.discard(fact.event.task)
                    last = fact
            if not tasks:
                break
    assert last
    took = (last.at - due).total_seconds()
    what = f"{CROWD:,} due at one instant: all requested"
    return Figure(what, took, "s", "<= 0.5 s", took <= 0.5)


def _armed(workspace: int, id: UUID, created: TaskCreated, at: datetime) -> list[Event]:
    stream = task_stream(workspace, id)
    return [(stream, created, at), (stream, TaskStarted(), at)]


if __name__ == "__main__":
    show(measure())
