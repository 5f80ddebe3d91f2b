"""A keeper that has ended a run takes another one, of which it knows nothing but that."""

import gc
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.linux import process
from tests.executor.harness import Harness, Kind, Run, ended, parent_of

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


async def test_a_run_whose_keeper_was_killed_before_it_began_gets_another(runs: Harness) -> None:
    """Whatever kills keepers one by one, as the kernel does that is out of memory."""
    template = parent_of(await _keeper(runs))
    for _ in range(RUNS):
        prepared = await runs.backend.prepare(runs.spec("print('once')"))
        for keeper in process.children(template):
            below = process.children(keeper)
            os.kill(keeper, signal.SIGKILL)
            for pid in (keeper, *below):
                await ended(pid)
        run = Run(await prepared.start())
        outcome = await run.outcome()
        assert (outcome.status, run.running.new) == ("success", "")
        assert await run.out.all() == "once\n"


async def test_those_of_a_killed_template_are_let_go(runs: Harness) -> None:
    """An open socket that nobody has any more is complained of when it is collected."""
    keeper = await _keeper(runs)
    template = parent_of(keeper)
    os.kill(template, signal.SIGKILL)
    for pid in (template, keeper):
        await ended(pid)
    assert (await (await runs.start_anyhow(runs.spec("pass"))).outcome()).status in ENDS
    assert (await (await runs.start(runs.spec("pass"))).outcome()).status == "success"
    await runs.backend.close()
    gc.collect()


async def test_a_run_does_not_count_for_the_next(runs: Harness) -> None:
    spec = runs.spec(f"len(bytearray({HUGE}))\nsum(range(3_000_000))")
    run = await runs.start(spec)
    assert (await run.outcome()).max_rss_bytes > HUGE
    for _ in range(RUNS):
        outcome = await (await runs.start(runs.spec("print('small')"))).outcome()
        assert outcome.max_rss_bytes < HUGE
