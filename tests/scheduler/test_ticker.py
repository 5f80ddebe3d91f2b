"""One pass of the scheduler alone, while the log can't be reached."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import NoReturn

import pytest

from libs.domain.errors import Unavailable
from libs.domain.events import TaskStarted
from libs.domain.ids import orchestration_stream, task_stream
from libs.eventlog.log import Proposed
from tests.scheduler.paper import Paper, PaperCopy
from tests.scheduler.story import ORCHESTRATION, READY, START, TASK, UPLOADED, every


async def unreachable(_: Sequence[Proposed]) -> None:
    raise Unavailable("the log is away")


def refuse_to_wait(*_: object) -> NoReturn:
    raise AssertionError("a pass waits for time to go by")


def ordered() -> tuple[Paper, PaperCopy]:
    """A scheduled task that nobody has taken charge of."""
    paper = Paper(lambda: START)
    copy = PaperCopy(paper, lambda: START)
    for event in (UPLOADED, READY):
        paper.tell(orchestration_stream(1, ORCHESTRATION), event)
    paper.tell(task_stream(1, TASK), every(1))
    return paper, copy


async def test_a_pass_that_fails_returns_at_once_and_leaves_its_work_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paper, copy = ordered()
    await copy.learn()
    paper.meanwhile = unreachable
    monkeypatch.setattr(asyncio, "timeout", refuse_to_wait)
    monkeypatch.setattr(asyncio, "sleep", refuse_to_wait)
    assert await copy.ticker.tick(START) is False
    assert copy.plan.woken == {TASK}
    paper.meanwhile = None
    assert await copy.ticker.tick(START) is True
    assert paper.facts[-1].event == TaskStarted()


async def test_a_pass_that_is_late_and_can_not_catch_up_returns_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paper, copy = ordered()
    await copy.learn()
    assert await copy.ticker.tick(START)
    await copy.learn()
    assert await copy.ticker.tick(START)

    async def away() -> None:
        raise Unavailable("the log is away")

    monkeypatch.setattr(asyncio, "timeout", refuse_to_wait)
    monkeypatch.setattr(copy.ticker, "_catch_up", away)
    count, late = len(paper.facts), START + timedelta(seconds=30)
    assert await copy.ticker.tick(late) is False
    assert len(paper.facts) == count


async def test_the_loop_goes_on_when_the_log_is_back() -> None:
    """The loop outside of the pass waits, and tries again."""
    paper, copy = ordered()
    tries = 0
    done = asyncio.Event()

    async def away_twice(_: Sequence[Proposed]) -> None:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise Unavailable("the log is away")
        done.set()

    paper.meanwhile = away_twice
    loop = asyncio.create_task(copy.ticker.run())
    async with asyncio.timeout(20):
        await done.wait()
    loop.cancel()
    await asyncio.wait([loop])
    assert tries >= 3
