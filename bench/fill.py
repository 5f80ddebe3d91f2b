"""Fills a platform with orchestrations, tasks and runs that are over, through its event log.

`python -m bench.fill --data DIR --workspace 1 --runs 100000` does it to a `rondo up` that runs on
that folder; benches call `fill` on servers of their own. All that belongs to one run, and a
run-once task with its run, comes in one atomic batch: no scheduler asks for what was asked for
already, and no executor starts what has ended.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from libs.domain import events, values
from libs.domain.ids import StreamId, orchestration_stream, run_id, run_stream, task_stream
from libs.eventlog import nats_client
from libs.eventlog.envelope import Context, to_headers

BATCH = 990  # an atomic batch may have 1,000
IN_FLIGHT = 3
ENDS: tuple[values.RunEnd, ...] = (*("success",) * 92, *("failure",) * 6, "timed_out", "killed")

Event = tuple[StreamId, events.Event, datetime]


@dataclass(frozen=True)
class Shape:
    """How much there is to be, and over how many days until now. A tenth of the tasks run once."""

    orchestrations: int = 1_000
    tasks: int = 10_000
    runs: int = 100_000
    days: float = 30
    seed: int = 1


class History:
    """The events of a shape in one workspace: lists that belong together, in order of time."""

    def __init__(self, workspace: int, shape: Shape, now: datetime) -> None:
        self._workspace = workspace
        self._shape = shape
        self._random = random.Random(shape.seed)
        self._start = now - timedelta(days=shape.days)
        self._step = timedelta(days=shape.days) / max(shape.runs, 1)
        self._orchestrations = [self._id() for _ in range(shape.orchestrations)]
        self._tasks: list[UUID] = []

    def _id(self) -> UUID:
        return UUID(int=self._random.getrandbits(128), version=4)

    def orchestrations(self) -> Iterator[list[Event]]:
        for number, id in enumerate(self._orchestrations):
            stream = orchestration_stream(self._workspace, id)
            uploaded = events.OrchestrationUploaded(
                name=f"{self._random.choice(('train', 'score', 'report', 'ingest'))}-{number:05}",
                file_name=f"archive-{number}.zip",
                file_size=self._random.randrange(300, 300_000),
                sha=f"{self._random.getrandbits(256):064x}",
                blob=f"orchestrations/{self._workspace}/{id}.zip",
                entrypoint="main.py",
            )
            ended: events.OrchestrationEvent
            if number % 50 == 49:
                ended = events.OrchestrationFailed(reason="requirements.txt: no such package")
            else:
                ended = events.OrchestrationReady(environment="base", lock_digest="0" * 64)
            yield [(stream, uploaded, self._start), (stream, ended, self._start)]

    def tasks(self) -> Iterator[list[Event]]:
        for number in range(self._shape.tasks):
            id, orchestration = self._id(), self._orchestrations[number % len(self._orchestrations)]
            stream = task_stream(self._workspace, id)
            if number % 10 == 0:
                created = self._created("once", orchestration, number)
                at = self._start + self._step * self._random.randrange(self._shape.runs or 1)
                yield [(stream, created, at), *self._run(id, at)]
            else:
                self._tasks.append(id)
                yearly = values.Schedule(expression="0 0 1 1 *")
                created = self._created("scheduled", orchestration, number, yearly)
                yield [(stream, created, self._start), (stream, events.TaskStarted(), self._start)]

    def _created(
        self,
        kind: values.Kind,
        orchestration: UUID,
        number: int,
        schedule: values.Schedule | None = None,
    ) -> events.TaskCreated:
        return events.TaskCreated(
            kind=kind,
            orchestration=orchestration,
            name=f"task-{number:06}",
            arguments={"rows": self._random.randrange(1000), "model": "churn"},
            schedule=schedule,
        )

    def runs(self) -> Iterator[list[Event]]:
        for number in range(self._shape.runs - self._shape.tasks // 10):
            yield self._run(self._random.choice(self._tasks), self._start + self._step * number)

    def _run(self, task: UUID, at: datetime) -> list[Event]:
        stream = run_stream(self._workspace, run_id(task, at))
        seconds = self._random.lognormvariate(1.0, 1.5)
        end = events.RunFinished(
            status=self._random.choice(ENDS),
            reason="exit",
            exit_code=0,
            lines=12,
            usage=values.Usage(cpu_seconds=round(seconds / 2, 3), max_rss_bytes=90_000_000),
            timing={"forked": 0.003, "first_line": 0.005, "exited": seconds},
        )
        return [
            (stream, events.RunRequested(task=task, scheduled_at=at), at),
            (stream, events.RunStarted(executor="bench"), at + timedelta(milliseconds=2)),
            (stream, end, at + timedelta(seconds=seconds)),
        ]


async def fill(nats: nats_client.Nats, workspace: int, actor: str, shape: Shape) -> int:
    """Gives the number of events appended. All of it is in the log when it returns."""
    history = History(workspace, shape, datetime.now(UTC))
    parts = (history.orchestrations(), history.tasks(), history.runs())
    return sum([await append(nats, actor, groups) for groups in parts])


async def append(nats: nats_client.Nats, actor: str, groups: Iterable[list[Event]]) -> int:
    """Each group in one atomic batch, with others. Gives the number of events."""
    context = Context(source="bench", actor=actor)
    count, places = 0, asyncio.Semaphore(IN_FLIGHT)
    async with asyncio.TaskGroup() as commits:
        for batch in _batches(groups):
            await places.acquire()
            commit = commits.create_task(_send(nats, batch, context))
            commit.add_done_callback(lambda _: places.release())
            count += len(batch)
    return count


def _batches(groups: Iterable[list[Event]]) -> Iterator[list[Event]]:
    batch: list[Event] = []
    for group in groups:
        if len(batch) + len(group) > BATCH:
            yield batch
            batch = []
        batch += group
    if batch:
        yield batch


async def _send(nats: nats_client.Nats, batch: list[Event], context: Context) -> None:
    """One atomic batch: all but the last are published, the last asks for the commit of all."""
    mark = {"Nats-Batch-Id": str(uuid4())}
    for number, (stream, event, at) in enumerate(batch, start=1):
        given = to_headers(stream, event, context) | mark
        given |= {"ce-time": at.isoformat(), "Nats-Batch-Sequence": str(number)}
        if number < len(batch):
            await nats.publish(stream.subject, events.encode(event), given)
    given["Nats-Batch-Commit"] = "1"
    nats_client.checked((await nats.request(stream.subject, events.encode(event), given)).data)


async def _main(data: Path, workspace: int, actor: str, shape: Shape) -> None:
    token = (data / "secrets" / "nats-token").read_text().strip()
    port = json.loads((data / "ports.json").read_bytes())["nats"]
    begun = time.perf_counter()
    async with nats_client.connect(f"nats://127.0.0.1:{port}", token) as nats:
        count = await fill(nats, workspace, actor, shape)
    seconds = time.perf_counter() - begun
    print(f"{count} events in {seconds:.1f} s, {count / seconds:.0f} a second")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.fill", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of a running rondo up")
    parser.add_argument("--workspace", type=int, required=True, help="the number of an empty one")
    parser.add_argument("--actor", default="bench", help="the id of the user it is to be from")
    for name, default in vars(Shape()).items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    given = vars(parser.parse_args())
    data, workspace, actor = (given.pop(name) for name in ("data", "workspace", "actor"))
    asyncio.run(_main(data, workspace, actor, Shape(**given)))
