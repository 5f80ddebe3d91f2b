"""Reactions: at least once, outcome before acknowledgement, parked when hopeless."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import msgspec
import pytest

from libs.domain.errors import Unavailable
from libs.domain.events import WorkspaceCreated, WorkspaceMemberAdded
from libs.domain.ids import workspace_stream
from libs.eventlog import react as reactions
from libs.eventlog.envelope import Context, Recorded
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.nats_client import Nats
from libs.eventlog.react import Reaction, react
from tests.servers import NatsServer

HERE = Context(source="test", actor="test")
PATIENCE = 20


async def append(log: EventLog, number: int) -> int:
    event = WorkspaceCreated(name=f"w{number}", owner="me")
    return await log.append(Proposed(workspace_stream(number), 0, event), HERE)


@asynccontextmanager
async def reacting(
    nats: Nats, handle: reactions.Handler, concurrency: int = 4
) -> AsyncIterator[None]:
    reaction = Reaction(
        name="test",
        subjects=("event.*.workspace.*",),
        kinds=(WorkspaceCreated,),
        handle=handle,
        concurrency=concurrency,
    )
    running = asyncio.create_task(react(nats, reaction))
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class Seen:
    """What a handler was given, and a way to wait for it."""

    def __init__(self) -> None:
        self.times: Counter[int] = Counter()
        self._changed = asyncio.Condition()

    async def add(self, seq: int) -> int:
        async with self._changed:
            self.times[seq] += 1
            self._changed.notify_all()
        return self.times[seq]

    async def until(self, seq: int, times: int = 1) -> None:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self.times[seq] >= times)


async def at_most_pending(nats: Nats, number: int) -> None:
    """Returns once the consumer has at most so many events without an acknowledgement."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        info = msgspec.json.decode(await nats.api("CONSUMER.INFO.EVENTS.test"))
        if info["num_ack_pending"] + info["num_pending"] <= number:
            return
    raise TimeoutError(info)


async def test_every_event_is_handled_and_acknowledged(nats: Nats, log: EventLog) -> None:
    seen = Seen()

    async def handle(fact: Recorded) -> None:
        await seen.add(fact.seq)

    async with reacting(nats, handle):
        for number in range(1, 51):
            await append(log, number)
        for seq in range(1, 51):
            await seen.until(seq)
        await at_most_pending(nats, 0)
    assert set(seen.times.values()) == {1}


async def test_other_kinds_are_acknowledged_unseen(nats: Nats, log: EventLog) -> None:
    seen = Seen()

    async def handle(fact: Recorded) -> None:
        await seen.add(fact.seq)

    created = await append(log, 1)
    added = Proposed(workspace_stream(1), created, WorkspaceMemberAdded(user="you", role="owner"))
    await log.append(added, HERE)
    last = await append(log, 2)
    async with reacting(nats, handle, concurrency=1):
        await seen.until(last)
        await at_most_pending(nats, 0)
    assert set(seen.times) == {created, last}


async def test_a_failing_handler_is_tried_again_and_then_parked(
    nats: Nats, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "MAX_FAILURES", 2)
    seen = Seen()

    async def handle(fact: Recorded) -> None:
        await seen.add(fact.seq)
        if fact.seq == 1:
            raise ValueError("hopeless")

    async with reacting(nats, handle):
        await append(log, 1)
        await append(log, 2)
        await seen.until(2)
        await seen.until(1, times=2)
        await at_most_pending(nats, 0)
    body = await nats.api("STREAM.MSG.GET.PARKED", {"last_by_subj": "parked.test.1"})
    assert b"parked.test.1" in body
    assert seen.times[1] == 2


async def test_what_is_unavailable_is_waited_for_and_never_parked(
    nats: Nats, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "MAX_FAILURES", 1)
    seen = Seen()

    async def handle(fact: Recorded) -> None:
        if await seen.add(fact.seq) == 1:
            raise Unavailable("the disk is on holiday")

    async with reacting(nats, handle):
        await append(log, 1)
        await seen.until(1, times=2)
        await at_most_pending(nats, 0)
    info = msgspec.json.decode(await nats.api("STREAM.INFO.PARKED"))
    assert info["state"]["messages"] == 0


async def test_work_after_the_acknowledgement_keeps_its_place(nats: Nats, log: EventLog) -> None:
    seen, release = Seen(), asyncio.Event()

    async def rest() -> None:
        await release.wait()

    async def handle(fact: Recorded) -> Awaitable[None] | None:
        await seen.add(fact.seq)
        return rest()

    async with reacting(nats, handle, concurrency=2):
        for number in (1, 2, 3):
            await append(log, number)
        await seen.until(1)
        await seen.until(2)
        await at_most_pending(nats, 1)
        assert seen.times[3] == 0
        release.set()
        await seen.until(3)


async def test_a_killed_server_loses_no_event(
    nats: Nats, log: EventLog, nats_process: NatsServer
) -> None:
    seen = Seen()

    async def handle(fact: Recorded) -> None:
        await seen.add(fact.seq)

    async with reacting(nats, handle):
        for number in range(1, 41):
            await append(log, number)
            if number % 20 == 0:
                nats_process.stop()
                nats_process.start()
        for seq in range(1, 41):
            await seen.until(seq)
