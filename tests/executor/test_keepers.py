"""A keeper that has ended a run takes another one, of which it knows nothing but that."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.executor.harness import Harness, Kind, ended, parent_of

RUNS = 6
ENDS = ("success", "failure")
HUGE = 300 << 20  # bytes
KINDS = [Kind("fork", namespaces) for namespaces in (True, False)]


@pytest.fixture(params=KINDS, ids=str)
async def runs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    runs: Harness = await request.param.open(tmp_path)
    assert await runs.backend.warm(runs.spec("")) == ""
    yield runs
    await runs.backend.close()


async def _keeper(runs: Harness) -> int:
    """Of a run that lasts until it is stopped."""
    run = await runs.start(runs.spec("print('up', flush=True); __import__('time').sleep(99)"))
    await run.out.until("up")
    keeper = parent_of(run.running.pid)
    await run.running.stop("killed")
    assert (await run.outcome()).status == "killed"
    return keeper


async def test_keepers_take_run_after_run(runs: Harness) -> None:
    assert len({await _keeper(runs) for _ in range(RUNS)}) < RUNS


async def test_one_that_was_killed_while_it_waited_is_replaced(runs: Harness) -> None:
    """The next run may have been prepared in it already, and then ends with it; no other does."""
    for _ in range(RUNS):
        keeper = await _keeper(runs)
        os.kill(keeper, signal.SIGKILL)
        await ended(keeper)
        assert (await (await runs.start(runs.spec("pass"))).outcome()).status in ENDS


async def test_a_run_does_not_count_for_the_next(runs: Harness) -> None:
    spec = runs.spec(f"len(bytearray({HUGE}))\nsum(range(3_000_000))")
    run = await runs.start(spec)
    assert (await run.outcome()).max_rss_bytes > HUGE
    for _ in range(RUNS):
        outcome = await (await runs.start(runs.spec("print('small')"))).outcome()
        assert outcome.max_rss_bytes < HUGE
