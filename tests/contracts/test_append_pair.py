"""An event that goes into the log with the one that leads to it, on a real server."""

import asyncio
from uuid import uuid4

import pytest

from libs.domain.errors import Unavailable
from libs.domain.events import RunRequested, TaskPaused
from libs.domain.ids import run_stream, task_stream
from libs.eventlog.append_pair import Append, append_pair
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog, Proposed, WrongVersion
from libs.eventlog.nats_client import Nats
from tests.scheduler.story import ONCE, START


def order_and_run() -> tuple[Append, Append]:
    task = uuid4()
    first = Context(source="test", actor="ann", id=str(uuid4()))
    then = Context(source="test", actor="ann", causation=first.id)
    asked = RunRequested(task=task, scheduled_at=START)
    return (
        (Proposed(task_stream(7, task), 0, ONCE), first),
        (Proposed(run_stream(7, uuid4()), 0, asked), then),
    )


class Slow(EventLog):
    """Lets another event come between the two, and may then refuse the second."""

    def __init__(self, nats: Nats, refusing: bool = False) -> None:
        super().__init__(nats)
        self.refusing = refusing

    async def append(self, proposed: Proposed, context: Context, right_after: str = "") -> int:
        if right_after:
            between = Proposed(task_stream(7, uuid4()), 0, TaskPaused())
            await super().append(between, Context(source="test", actor="bob"))
        elif self.refusing and isinstance(proposed.event, RunRequested):
            raise Unavailable("refused by the test")
        return await super().append(proposed, context, right_after)


async def types(log: EventLog) -> list[str]:
    found: list[str] = []
    async for batch in log.between(0, await log.end(), ("event.>",)):
        found += [type(fact.event).__name__ for fact in batch]
    return found


async def test_they_lie_side_by_side(log: EventLog) -> None:
    pairs = [order_and_run() for _ in range(20)]
    places = [await append_pair(log, *pair) for pair in pairs]
    assert places == list(range(2, 42, 2))
    (first, _), (then, _) = pairs[0]
    (created,), (asked,) = await log.read(first.stream), await log.read(then.stream)
    assert (created.seq, asked.seq, asked.causation) == (1, 2, created.id)


async def test_many_at_once_are_all_there_and_each_once(log: EventLog) -> None:
    pairs = [order_and_run() for _ in range(100)]
    await asyncio.gather(*(append_pair(log, *pair) for pair in pairs))
    for (first, _), (then, _) in pairs:
        (created,), (asked,) = await log.read(first.stream), await log.read(then.stream)
        assert created.seq < asked.seq


async def test_what_comes_between_does_no_harm(nats: Nats, log: EventLog) -> None:
    assert await append_pair(Slow(nats), *order_and_run()) == 3
    assert sorted(await types(log)) == ["RunRequested", "TaskCreated", "TaskPaused"]


async def test_a_first_that_is_refused_keeps_the_second_out(log: EventLog) -> None:
    """The id of the task is taken: by the same command, sent twice at once, say."""
    first, then = order_and_run()
    await log.append(*first)
    again = first[0], Context(source="test", actor="ann", id=str(uuid4()))
    with pytest.raises(WrongVersion):
        await append_pair(log, again, then)
    assert await types(log) == ["TaskCreated"]


async def test_a_second_that_can_not_be_appended_is_left_to_others(
    nats: Nats, log: EventLog
) -> None:
    first, then = order_and_run()
    place = await append_pair(Slow(nats, refusing=True), first, then)
    (created,) = await log.read(first[0].stream)
    assert place == created.seq
    assert sorted(await types(log)) == ["TaskCreated", "TaskPaused"]


async def test_a_second_that_is_there_already_is_no_error(log: EventLog) -> None:
    first, then = order_and_run()
    await log.append(*then)
    assert await append_pair(log, first, then) == 2
    assert await types(log) == ["RunRequested", "TaskCreated"]
