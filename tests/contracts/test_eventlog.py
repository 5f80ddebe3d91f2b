"""The log's contract, on a real server: conflict, order, outcome, restarts."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from libs.domain.errors import Unavailable
from libs.domain.events import TaskPaused, WorkspaceCreated, WorkspaceMemberAdded
from libs.domain.ids import task_stream, workspace_stream
from libs.eventlog.envelope import Context, Recorded
from libs.eventlog.log import EventLog, Proposed, WrongVersion
from libs.eventlog.nats_client import Nats
from tests.servers import NatsServer

HERE = Context(source="test", actor="somebody")
PATIENCE = 30.0  # seconds that a busy machine may take for what is due


def created(number: int) -> Proposed:
    return Proposed(workspace_stream(number), 0, WorkspaceCreated(name=f"w{number}", owner="me"))


async def collect(log: EventLog, after: int, count: int) -> list[Recorded]:
    found: list[Recorded] = []
    async with asyncio.timeout(PATIENCE):
        async for batch in log.follow(after):
            found += batch
            if len(found) >= count:
                return found
    raise AssertionError("the log ended")


async def test_an_append_is_read_back_with_its_circumstances(log: EventLog) -> None:
    seq = await log.append(created(7), HERE)
    (found,) = await log.read(workspace_stream(7))
    assert found.seq == seq
    assert found.event == WorkspaceCreated(name="w7", owner="me")
    assert (found.actor, found.source, found.correlation) == ("somebody", "test", found.id)
    assert await log.last(workspace_stream(7)) == found


async def test_what_does_not_exist_is_empty(log: EventLog) -> None:
    assert await log.read(workspace_stream(1)) == []
    assert await log.last(workspace_stream(1)) is None
    assert await log.end() == 0


async def test_an_aggregate_of_very_many_events_is_read_whole(log: EventLog) -> None:
    stream, seq = task_stream(7, uuid4()), 0
    for _ in range(2001):
        seq = await log.append(Proposed(stream, seq, TaskPaused()), HERE)
    found = await log.read(stream)
    assert [event.seq for event in found] == list(range(1, 2002))


async def test_the_second_of_two_appends_loses(log: EventLog) -> None:
    await log.append(created(1), HERE)
    with pytest.raises(WrongVersion):
        await log.append(created(1), HERE)
    assert len(await log.read(workspace_stream(1))) == 1


async def test_of_many_at_once_one_wins(log: EventLog) -> None:
    results = await asyncio.gather(
        *(log.append(created(1), HERE) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(result, int) for result in results) == 1
    assert all(isinstance(result, int | WrongVersion) for result in results)


async def test_an_expectation_over_a_pattern(log: EventLog) -> None:
    over = "event.*.workspace.*"
    first = Proposed(workspace_stream(1), 0, WorkspaceCreated(name="a", owner="me"), over)
    seq = await log.append(first, HERE)
    assert await log.last_seq_over(over) == seq
    second = Proposed(workspace_stream(2), 0, WorkspaceCreated(name="b", owner="me"), over)
    with pytest.raises(WrongVersion):
        await log.append(second, HERE)


async def test_a_batch_is_all_or_nothing(log: EventLog) -> None:
    last = await log.append_batch([(created(n), HERE) for n in (1, 2, 3)])
    assert await log.end() == last == 3
    with pytest.raises(WrongVersion):
        await log.append_batch([(created(4), HERE), (created(2), HERE)])
    assert await log.read(workspace_stream(4)) == []


async def test_following_gives_everything_once_in_order_across_restarts(
    log: EventLog, nats_process: NatsServer
) -> None:
    following = asyncio.create_task(collect(log, 0, 60))
    for number in range(1, 61):
        await log.append(created(number), HERE)
        if number % 20 == 0:
            nats_process.stop()
            nats_process.start()
    found = await following
    assert [one.seq for one in found] == list(range(1, 61))


async def test_appends_under_way_survive_a_kill_of_the_server(
    log: EventLog, nats_process: NatsServer
) -> None:
    """I1: what was acknowledged is there, and nothing is there twice."""
    stream = workspace_stream(1)
    await log.append(created(1), HERE)
    acknowledged: list[int] = []
    milestones = [asyncio.Event() for _ in range(3)]

    async def write() -> None:
        for number in range(200):
            version = acknowledged[-1] if acknowledged else 1
            event = WorkspaceMemberAdded(user=f"u{number}", role="owner")
            acknowledged.append(await log.append(Proposed(stream, version, event), HERE))
            if number in (49, 99, 149):
                milestones[number // 50].set()

    writing = asyncio.create_task(write())
    for milestone in milestones:
        await milestone.wait()
        nats_process.stop()
        nats_process.start()
    await writing
    found = await log.read(stream)
    assert [one.seq for one in found[1:]] == acknowledged
    users = [one.event.user for one in found[1:] if isinstance(one.event, WorkspaceMemberAdded)]
    assert users == [f"u{number}" for number in range(200)]


async def test_following_one_kind_of_aggregate(log: EventLog) -> None:
    await log.append(created(1), HERE)
    stream = task_stream(1, uuid4())
    seq = await log.append(Proposed(stream, 0, TaskPaused()), HERE)
    async with asyncio.timeout(PATIENCE):
        async for batch in log.follow(0, ("event.*.task.*",)):
            assert [one.seq for one in batch] == [seq]
            break


@pytest.mark.parametrize("count", [1, 2, 50])
async def test_a_batch_whose_answer_was_lost_is_known_again(
    nats: Nats, log: EventLog, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    send, loses = nats.append, iter([True])

    async def append(*given: Any, **more: Any) -> bytes:
        answer = await send(*given, **more)
        if next(loses, False):
            raise Unavailable("lost by the test")
        return answer

    monkeypatch.setattr(nats, "append", append)
    batch = [(created(number), HERE) for number in range(1, count + 1)]
    assert await log.append_batch(batch) == count
    assert next(loses, None) is None
    assert await log.end() == count
