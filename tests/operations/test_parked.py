"""Parked events: seen, tried again by a living copy of the service, or discarded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest

from libs.domain.errors import Rejected, Unavailable
from libs.domain.events import WorkspaceCreated
from libs.domain.ids import workspace_stream
from libs.eventlog import dead_letters
from libs.eventlog import react as reactions
from libs.eventlog.envelope import Context, Recorded
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.nats_client import Nats
from libs.eventlog.react import Reaction, react

HERE = Context(source="test", actor="test")
PATIENCE = 20


class Handler:
    """Fails until it is mended; `rest` is what it returns for work that goes on."""

    def __init__(self) -> None:
        self.broken = True
        self.handled: list[int] = []
        self.began: asyncio.Queue[int] = asyncio.Queue()
        self.rest: Awaitable[None] | None = None

    async def __call__(self, fact: Recorded) -> Awaitable[None] | None:
        if self.broken:
            raise ValueError("out of order")
        self.handled.append(fact.seq)
        self.began.put_nowait(fact.seq)
        return self.rest


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Handler:
    monkeypatch.setattr(reactions, "MAX_FAILURES", 1)
    return Handler()


@asynccontextmanager
async def reacting(nats: Nats, handler: Handler, concurrency: int = 4) -> AsyncIterator[None]:
    reaction = Reaction(
        name="test",
        subjects=("event.*.workspace.*",),
        kinds=(WorkspaceCreated,),
        handle=handler,
        concurrency=concurrency,
    )
    running = asyncio.create_task(react(nats, reaction))
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def append(log: EventLog, number: int) -> int:
    event = WorkspaceCreated(name=f"w{number}", owner="me")
    return await log.append(Proposed(workspace_stream(number), 0, event), HERE)


async def until_parked(nats: Nats, *seqs: int) -> list[dead_letters.DeadLetter]:
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await dead_letters.oldest(nats)
            if [one.seq for one in found] == list(seqs):
                return found


async def test_what_is_parked_says_what_and_why(
    nats: Nats, log: EventLog, handler: Handler
) -> None:
    async with reacting(nats, handler):
        await append(log, 1)
        (note,) = await until_parked(nats, 1)
    assert (note.reaction, note.seq, note.subject) == ("test", 1, "event.1.workspace.1")
    assert note.type == "WorkspaceCreated"
    assert note.error == "ValueError('out of order')"
    assert note.at is not None
    assert await dead_letters.counts(nats) == {"test": 1}


async def test_a_retry_handles_the_event_and_clears_the_note(
    nats: Nats, log: EventLog, handler: Handler
) -> None:
    async with reacting(nats, handler):
        await append(log, 1)
        await until_parked(nats, 1)
        assert await dead_letters.retry(nats, "test", 1) == "ValueError('out of order')"
        await until_parked(nats, 1)
        handler.broken = False
        assert await dead_letters.retry(nats, "test", 1) == ""
    assert handler.handled == [1]
    assert await dead_letters.oldest(nats) == []


async def test_a_retry_waits_for_a_free_place(nats: Nats, log: EventLog, handler: Handler) -> None:
    async with reacting(nats, handler, concurrency=1):
        await append(log, 1)
        await until_parked(nats, 1)
        occupied: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        handler.broken, handler.rest = False, occupied
        await append(log, 2)
        assert await handler.began.get() == 2
        retried = asyncio.create_task(dead_letters.retry(nats, "test", 1))
        await nats.api("INFO")  # a round trip later it has been asked for
        assert handler.handled == [2]
        handler.rest = None
        occupied.set_result(None)
        assert await retried == ""
    assert handler.handled == [2, 1]


async def test_without_a_living_copy_a_retry_says_so(
    nats: Nats, log: EventLog, handler: Handler
) -> None:
    async with reacting(nats, handler):
        await append(log, 1)
        await until_parked(nats, 1)
    with pytest.raises(Unavailable, match="nobody answers"):
        await dead_letters.retry(nats, "test", 1)
    await until_parked(nats, 1)


async def test_a_discarded_event_is_handled_no_more(
    nats: Nats, log: EventLog, handler: Handler
) -> None:
    async with reacting(nats, handler):
        await append(log, 1)
        await until_parked(nats, 1)
        await dead_letters.discard(nats, "test", 1)
        assert await dead_letters.oldest(nats) == []
        for act in (dead_letters.discard, dead_letters.retry):
            with pytest.raises(Rejected, match="seq: no event 1 of test"):
                await act(nats, "test", 1)


async def test_a_made_up_reaction_is_refused(nats: Nats) -> None:
    with pytest.raises(Rejected, match="reaction: give the name"):
        await dead_letters.discard(nats, "a.>", 1)
