"""What the executor knows of tasks: no kill is missed, whenever it comes (I7)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from libs.domain.events import Event, OrchestrationReady, TaskCreated, TaskKillRequested
from libs.domain.ids import StreamId, orchestration_stream, task_stream
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog, Proposed
from services.executor.task_cache import TaskCache

HERE = Context(source="test", actor="ann")
PATIENCE = 20.0


class Told:
    """What the follower says, in its order."""

    def __init__(self) -> None:
        self.all: asyncio.Queue[UUID] = asyncio.Queue()

    def killed(self, task: UUID) -> None:
        self.all.put_nowait(task)

    def ready(self, workspace: int, orchestration: UUID) -> None:
        self.all.put_nowait(orchestration)

    async def next(self) -> UUID:
        async with asyncio.timeout(PATIENCE):
            return await self.all.get()


@asynccontextmanager
async def following(log: EventLog, told: Told) -> AsyncIterator[TaskCache]:
    orders = TaskCache(log, told.killed, told.ready)
    work = asyncio.create_task(orders.follow(await log.end()))
    try:
        yield orders
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def append(log: EventLog, stream: StreamId, expected: int, event: Event) -> int:
    return await log.append(Proposed(stream, expected, event), HERE)


async def created(log: EventLog) -> tuple[UUID, int]:
    id = uuid4()
    event = TaskCreated(kind="continuous", orchestration=uuid4())
    return id, await append(log, task_stream(1, id), 0, event)


async def test_a_task_from_before_is_read_and_its_kill_followed(log: EventLog) -> None:
    task, seq = await created(log)
    told = Told()
    async with following(log, told) as orders:
        assert (await orders.task(1, task)).status == "pending"
        await append(log, task_stream(1, task), seq, TaskKillRequested())
        assert await told.next() == task
        assert (await orders.task(1, task)).status == "pending_kill"


async def test_a_task_that_is_followed_is_known_with_its_kill(log: EventLog) -> None:
    told = Told()
    async with following(log, told) as orders:
        task, seq = await created(log)
        await append(log, task_stream(1, task), seq, TaskKillRequested())
        assert await told.next() == task
        assert (await orders.task(1, task)).status == "pending_kill"


async def test_who_reads_while_a_kill_comes_knows_of_it(log: EventLog) -> None:
    told = Told()
    async with following(log, told) as orders:
        for _ in range(20):
            task, seq = await created(log)
            asking = asyncio.create_task(orders.task(1, task))
            await append(log, task_stream(1, task), seq, TaskKillRequested())
            await asking
            assert await told.next() == task  # which finds the run that asked
            assert (await orders.task(1, task)).status == "pending_kill"


async def test_it_tells_which_orchestrations_are_ready(log: EventLog) -> None:
    told = Told()
    async with following(log, told):
        id = uuid4()
        ready = OrchestrationReady(environment="base", lock_digest="")
        await append(log, orchestration_stream(1, id), 0, ready)
        assert await told.next() == id
