"""History and what comes as one, for readers of any speed, on a real log."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from uuid import uuid4

import msgspec
import pytest

from libs.domain.event_filter import EventFilter
from libs.domain.events import Event, RunFinished, RunStarted, TaskPaused
from libs.domain.ids import Aggregate, StreamId
from libs.eventfeed import follow as following
from libs.eventfeed import tail as tails
from libs.eventfeed.follow import FixedSelection, follow
from libs.eventfeed.tail import Tail
from libs.eventlog.envelope import Context, Recorded
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.nats_client import Nats
from libs.eventlog.project import Position
from tests.platform import PATIENCE
from tests.servers import NatsServer

EVERYTHING = FixedSelection(EventFilter())
HERE = Context(source="test", actor="test")
EVENTS: dict[Aggregate, Event] = {"run": RunStarted(executor="test"), "task": TaskPaused()}


@dataclass
class Source:
    """As the service has it, without rows."""

    log: EventLog
    tail: Tail = field(default_factory=Tail)
    position: Position = field(default_factory=Position)

    async def append(self, count: int, kind: Aggregate = "run", workspace: int = 1) -> int:
        """Events of a workspace, all at once; gives the last one's place."""
        stream = [StreamId(workspace, kind, str(uuid4())) for _ in range(count)]
        return await self.log.append_batch(
            [(Proposed(one, 0, EVENTS[kind]), HERE) for one in stream]
        )

    @asynccontextmanager
    async def projected(self) -> AsyncIterator[None]:
        """What the projection does, while the block lasts."""

        async def project() -> None:
            async for batch in self.log.follow(self.position.seq):
                self.tail.publish(batch)
                self.position.move(batch[-1].seq)

        task = asyncio.create_task(project())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def seen(
        self, filter: EventFilter, after: int | None, until: int | Callable[[], int]
    ) -> list[int]:
        """The places of all events that are given until all up to `until` are."""
        found: list[int] = []
        async with (
            asyncio.timeout(PATIENCE),
            aclosing(follow(self, FixedSelection(filter), after)) as batches,
        ):
            async for batch in batches:
                found += [event.seq for event in batch.events]
                if batch.through >= (until() if callable(until) else until):
                    break
        return found


@pytest.fixture
def source(nats: Nats) -> Source:
    return Source(EventLog(nats))


async def test_a_reader_who_is_slow_loses_nothing(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "MAX_WAITING", 7)
    await source.append(3)
    async with (
        source.projected(),
        aclosing(follow(source, EVERYTHING, 0)) as batches,
    ):
        found: list[int] = []
        rounds = 0
        while len(found) < 500:
            batch = await anext(batches)
            found += [event.seq for event in batch.events]
            if rounds < 10:
                last = await source.append(50)
                await source.position.reached(last, PATIENCE)
                rounds += 1
    assert found == list(range(1, 504))[: len(found)]
    assert len(found) >= 500


@pytest.mark.parametrize("seed", range(6))
async def test_every_reader_gets_each_event_once_and_in_order(
    source: Source, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Readers that begin anywhere, while events of two workspaces come in batches of any size."""
    dice = Random(seed)
    monkeypatch.setattr(tails, "MAX_WAITING", dice.randrange(1, 60))
    monkeypatch.setattr(following, "HEARTBEAT_SECONDS", 0.05)
    end = await source.append(dice.randrange(1, 100))
    readers: list[tuple[int, int, asyncio.Task[list[int]]]] = []
    over = asyncio.Event()

    def until() -> int:
        return end if over.is_set() else sys.maxsize

    async with source.projected(), asyncio.TaskGroup() as tasks:
        for _ in range(12):
            workspace, after = dice.randrange(1, 3), dice.randrange(source.position.seq + 1)
            filter = EventFilter(workspaces=frozenset({workspace}))
            reading = source.seen(filter, after, until)
            readers.append((workspace, after, tasks.create_task(reading)))
            for _ in range(dice.randrange(4)):
                end = await source.append(dice.randrange(1, 80), workspace=dice.randrange(1, 3))
        over.set()
    whole: list[Recorded] = []
    async for batch in source.log.between(0, end, ["event.*.run.*"]):
        whole += batch
    assert [one.seq for one in whole] == list(range(1, end + 1))
    for workspace, after, done in readers:
        assert done.result() == [
            one.seq for one in whole if one.seq > after and one.stream.workspace == workspace
        ]


async def test_from_now_on_is_after_what_reads_show(source: Source) -> None:
    await source.append(5)
    async with source.projected():
        await source.position.reached(5, PATIENCE)
        async with aclosing(follow(source, EVERYTHING)) as batches:
            first = await anext(batches)
            last = await source.append(2)
            second = await anext(batches)
            if second.through < last:
                third = await anext(batches)
                second = following.Batch(second.events + third.events, third.through)
    assert (first.events, first.through) == ([], 5)
    assert [event.seq for event in second.events] == [6, 7]


async def test_who_waits_for_what_never_comes_learns_how_far_it_is(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that one who resumes need not read all of the log again."""
    monkeypatch.setattr(following, "HEARTBEAT_SECONDS", 0.05)
    filter = EventFilter(workspaces=frozenset({2}), types=frozenset({"TaskPaused"}))
    async with source.projected():
        last = await source.append(100)
        assert await source.seen(filter, 0, last) == []
        last = await source.append(1, "task", 2)
        assert await source.seen(filter, 0, last) == [last]


async def test_a_reader_who_is_ahead_of_this_copy_gets_nothing_twice(source: Source) -> None:
    """It was told by another copy of the service, whose rows are newer."""
    last = await source.append(10)
    async with source.projected():
        assert await source.seen(EventFilter(), last - 2, last) == [last - 1, last]
    behind = Source(source.log)
    reading = asyncio.create_task(behind.seen(EventFilter(), last, last + 3))
    async with behind.projected():
        await behind.position.reached(last, PATIENCE)
        await source.append(3)
        assert await reading == [last + 1, last + 2, last + 3]


async def test_readers_leave_nothing_behind(source: Source) -> None:
    last = await source.append(10)
    async with source.projected():
        await source.seen(EventFilter(), 0, last)
    assert source.tail.listeners == 0


async def consumers(nats: Nats) -> list[str]:
    names: list[str] = msgspec.json.decode(await nats.api("CONSUMER.NAMES.EVENTS"))["consumers"]
    return names


async def test_any_number_of_readers_costs_one_consumer(source: Source, nats: Nats) -> None:
    last = await source.append(1000)
    async with source.projected():
        await source.position.reached(last, PATIENCE)
        async with AsyncExitStack() as open_readers:
            for number in range(30):
                filter = EventFilter(workspaces=frozenset({number % 3}))
                batches = await open_readers.enter_async_context(
                    aclosing(follow(source, FixedSelection(filter), 0))
                )
                while (await anext(batches)).events:
                    pass  # history; an empty batch says that it waits for what comes
            assert len(await consumers(nats)) == 1
            assert source.tail.listeners == 30


async def test_a_restart_of_the_log_goes_unnoticed(
    source: Source, nats_process: NatsServer
) -> None:
    await source.append(900)
    await source.append(900)
    async with source.projected():
        await source.position.reached(1800, PATIENCE)
        async with (
            asyncio.timeout(PATIENCE),
            aclosing(follow(source, EVERYTHING, 0)) as batches,
        ):
            found = [event.seq for event in (await anext(batches)).events]
            nats_process.stop()
            nats_process.start()
            last = await source.append(500)
            while len(found) < last:
                found += [event.seq for event in (await anext(batches)).events]
    assert found == list(range(1, last + 1))


async def test_reading_between_two_places(source: Source) -> None:
    async def seqs(after: int, through: int, *subjects: str, batch_size: int = 500) -> list[int]:
        batches = source.log.between(after, through, subjects, batch_size)
        return [event.seq async for batch in batches for event in batch]

    assert await seqs(0, 0, "event.>") == []
    await source.append(4, "run", 1)
    await source.append(4, "task", 2)
    await source.append(4, "run", 2)
    assert await seqs(0, 12, "event.>") == list(range(1, 13))
    assert await seqs(2, 7, "event.>", batch_size=2) == [3, 4, 5, 6, 7]
    assert await seqs(0, 12, "event.2.run.*") == [9, 10, 11, 12]
    assert await seqs(0, 10, "event.2.run.*", batch_size=1) == [9, 10]
    assert await seqs(0, 12, "event.1.>") == [1, 2, 3, 4]
    assert await seqs(4, 12, "event.1.>") == []
    assert await seqs(0, 12, "event.1.run.*", "event.2.task.*") == [1, 2, 3, 4, 5, 6, 7, 8]
    assert await seqs(0, 7, "event.1.run.*", "event.2.run.*") == [1, 2, 3, 4]
    assert await seqs(0, 12, "event.3.>", "event.4.>") == []
    assert await seqs(0, 12, "event.3.>") == []
    assert await seqs(0, 12) == []


async def test_before_an_instant_is_what_the_log_had_then(source: Source) -> None:
    start = datetime.now(UTC)
    assert await source.log.last_seq_before(start) == 0
    await source.append(3)
    between = datetime.now(UTC)
    await source.append(2)
    assert await source.log.last_seq_before(start) == 0
    assert await source.log.last_seq_before(between) == 3
    assert await source.log.last_seq_before(datetime.now(UTC)) == 5


def test_filters_are_told_to_the_server() -> None:
    filter = EventFilter(
        workspaces=frozenset({3, 12}),
        types=frozenset({RunFinished.__name__, TaskPaused.__name__}),
        aggregates={"run": None, "workspace": None, "task": frozenset({"a", "b"})},
    )
    assert filter.subjects_in(filter.workspaces) == [
        "event.3.run.*",
        "event.3.task.a",
        "event.3.task.b",
        "event.12.run.*",
        "event.12.task.a",
        "event.12.task.b",
    ]
    assert filter.subjects_in([]) == []
    assert EventFilter().subjects_in([3, 12]) == ["event.3.>", "event.12.>"]
    assert EventFilter().subjects_in(None) == ["event.>"]
