"""A prepared run is all there but the user's code, which starts when it is told to (I2)."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.domain.errors import Rejected
from tests.executor.harness import BACKENDS, Harness, Run


@pytest.fixture(params=BACKENDS, ids=str)
async def runs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    runs: Harness = await request.param.open(tmp_path)
    yield runs
    await runs.backend.close()


async def test_no_code_runs_before_it_is_told_to(runs: Harness) -> None:
    spec = runs.spec("import time; print(time.time_ns())")
    await runs.backend.prefetch(spec)
    prepared = await runs.backend.prepare(spec)
    before = await asyncio.to_thread(_later)
    run = Run(await prepared.start())
    assert (await run.outcome()).status == "success"
    assert int(await run.out.all()) > before


async def test_one_that_is_discarded_leaves_nothing_and_runs_nothing(runs: Harness) -> None:
    spec = runs.spec("print('it ran')")
    await runs.backend.prefetch(spec)
    await (await runs.backend.prepare(spec)).discard()
    assert not runs.left()
    run = await runs.start_anyhow(spec)  # so its id is free again
    assert (await run.outcome()).status == "success"


async def test_one_that_is_discarded_keeps_no_file_open(runs: Harness) -> None:
    spec = runs.spec("print('it ran')")
    await runs.backend.prefetch(spec)
    await (await runs.backend.prepare(spec)).discard()  # the first shim stays
    before = _pipes()
    await (await runs.backend.prepare(spec)).discard()
    assert _pipes() <= before


async def test_it_is_a_whole_run_by_then_but_for_its_code(runs: Harness) -> None:
    """What its script will find is there before it is told to start, a broken one included."""
    spec = runs.spec("import sys; print(sys.argv)\n(", timeout=60.0)
    await runs.backend.prefetch(spec)
    prepared = await runs.backend.prepare(spec)
    run = Run(await prepared.start())
    assert (await run.outcome()).exit_code == 1
    assert "SyntaxError" in await run.err.all()


async def test_a_run_is_prepared_once(runs: Harness) -> None:
    spec = runs.spec("print('hello')")
    prepared = await runs.backend.prepare(spec)
    with pytest.raises(Rejected):
        await runs.backend.prepare(spec)
    await prepared.discard()


def _pipes() -> set[str]:
    """Those that we have an end of."""
    found = (f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd"))
    links = {os.readlink(each) for each in found if os.path.lexists(each)}
    return {each for each in links if each.startswith("pipe:")}


def _later() -> int:
    """When a process that had been ready to run would have done so: others have meanwhile."""
    for _ in range(3):
        subprocess.run([sys.executable, "-c", ""], check=True)
    return time.time_ns()
