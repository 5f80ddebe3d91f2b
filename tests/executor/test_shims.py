"""A shim that has ended a run takes another one, of which it knows nothing but that."""

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
    assert await runs.backend.prefetch(runs.spec("")) == ""
    yield runs
    await runs.backend.close()


async def _shim(runs: Harness) -> int:
    """Of a run that lasts until it is stopped."""
    run = await runs.start(runs.spec("print('up', flush=True); __import__('time').sleep(99)"))
    await run.out.until("up")
    shim = parent_of(run.pid)
    await run.running.stop("killed")
    assert (await run.outcome()).status == "killed"
    return shim


async def test_shims_take_run_after_run(runs: Harness) -> None:
    assert len({await _shim(runs) for _ in range(RUNS)}) < RUNS


async def test_one_that_was_killed_while_it_waited_is_replaced(runs: Harness) -> None:
    """The next run may have been prepared in it already, and then ends with it; no other does."""
    for _ in range(RUNS):
        shim = await _shim(runs)
        os.kill(shim, signal.SIGKILL)
        await ended(shim)
        assert (await (await runs.start(runs.spec("pass"))).outcome()).status in ENDS


async def test_a_run_whose_shim_was_killed_before_it_began_gets_another(runs: Harness) -> None:
    """Whatever kills shims one by one, as the kernel does that is out of memory."""
    zygote = parent_of(await _shim(runs))
    for _ in range(RUNS):
        prepared = await runs.backend.prepare(runs.spec("print('once')"))
        for shim in process.children(zygote):
            below = process.children(shim)
            os.kill(shim, signal.SIGKILL)
            for pid in (shim, *below):
                await ended(pid)
        run = Run(await prepared.start())
        outcome = await run.outcome()
        assert (outcome.status, outcome.new_interpreter) == ("success", "")
        assert await run.out.all() == "once\n"


async def test_those_of_a_killed_zygote_are_let_go(runs: Harness) -> None:
    """An open socket that nobody has any more is complained of when it is collected."""
    shim = await _shim(runs)
    zygote = parent_of(shim)
    os.kill(zygote, signal.SIGKILL)
    for pid in (zygote, shim):
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
