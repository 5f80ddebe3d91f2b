"""How often something is tried, and when it is given up."""

import asyncio

import pytest

from libs.domain.errors import Unavailable
from libs.waiting import retry as retrying
from libs.waiting.event import set_within
from libs.waiting.retry import retry


class Away:
    """Fails so many times, then answers; `tries` counts all."""

    def __init__(self, failures: int, problem: Exception | None = None) -> None:
        self._failures = failures
        self._problem = problem or Unavailable("away")
        self.tries = 0

    async def __call__(self) -> str:
        self.tries += 1
        if self.tries <= self._failures:
            raise self._problem
        return "here"


async def test_what_is_away_is_tried_until_it_answers() -> None:
    away, problems = Away(3), list[Unavailable]()
    assert await retry(away, max_pause=0.001, on_failure=problems.append) == "here"
    assert (away.tries, len(problems)) == (4, 3)


async def test_after_the_timeout_the_last_failure_is_raised() -> None:
    away = Away(1000)
    with pytest.raises(Unavailable):
        await retry(away, timeout=-1.0)
    assert away.tries == 1


async def test_a_failure_of_another_kind_is_raised_at_once() -> None:
    away = Away(1, ValueError("a bug"))
    with pytest.raises(ValueError, match="a bug"):
        await retry(away)
    assert away.tries == 1


async def test_without_a_timeout_only_a_cancellation_ends_it() -> None:
    away = Away(1_000_000)

    def cancel_in_time(_: Unavailable) -> None:
        if away.tries == 50:
            running.cancel()

    running = asyncio.create_task(retry(away, None, max_pause=0.0, on_failure=cancel_in_time))
    with pytest.raises(asyncio.CancelledError):
        await running
    assert away.tries == 50


async def test_pauses_double_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    for failures in (0, 1, 2, 5, 6, 1_000_000):
        await retrying.back_off(failures)
    assert pauses == [0.05, 0.1, 0.2, 1.6, 2.0, 2.0]


async def test_an_event_that_is_set_in_time_is_seen() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    assert await set_within(event, None)
    assert await set_within(event, 0.0)


async def test_an_event_that_is_not_set_in_time_is_not_waited_for() -> None:
    assert not await set_within(asyncio.Event(), 0.001)
