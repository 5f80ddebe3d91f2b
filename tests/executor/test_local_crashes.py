"""When processes of the local backend itself are killed, no process of a run outlives them."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from libs.domain.errors import Unavailable
from libs.linux import process
from services.executor.backend import RunSpec
from services.executor.local.backend import LocalBackend
from tests.executor.harness import (
    DAEMON,
    LOCAL,
    LocalHarness,
    Run,
    ended,
    files,
    living,
    mark,
    parent_of,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=LOCAL, ids=str)
async def runs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LocalHarness]:
    runs: LocalHarness = await request.param.open(tmp_path)
    yield runs
    await runs.backend.close()


@pytest.fixture
def backend(runs: LocalHarness) -> LocalBackend:
    return runs.backend


def with_daemon(hidden: str) -> str:
    return f"{DAEMON}\nimport signal; daemon('{hidden}'); print('ready'); signal.pause()"


@pytest.mark.parametrize("kind", range(len(LOCAL)), ids=map(str, LOCAL))
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_i7_a_killed_executor_leaves_no_process(
    tmp_path: Path, number: int, kind: int
) -> None:
    hidden = mark()
    program = [sys.executable, "-m", "tests.executor.lone_executor", str(tmp_path), str(kind)]
    executor = await asyncio.create_subprocess_exec(
        *program, with_daemon(hidden), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    try:
        assert executor.stdout
        launcher, run = map(int, (await executor.stdout.readline()).split())
        below = [launcher, run, parent_of(run), *living(hidden)]
    finally:
        executor.send_signal(number)
        await executor.wait()
    assert len(below) == 4
    for pid in below:
        await ended(pid)
    await (await LocalBackend.open(tmp_path / "runs", files(tmp_path))).close()
    assert not [*(tmp_path / "runs").iterdir(), *(tmp_path / "templates").iterdir()]


async def test_a_killed_launcher_is_replaced(backend: LocalBackend, runs: LocalHarness) -> None:
    hidden = mark()
    run = await runs.start(runs.spec(with_daemon(hidden)))
    await run.out.until("ready")
    below = [run.pid, *living(hidden)]
    os.kill(backend.launcher_pid, signal.SIGKILL)
    outcome = await run.outcome()
    assert (outcome.status, outcome.reason) == ("failure", "launcher_lost")
    for pid in below:
        await ended(pid)
    again, out, _ = await runs.run("print('again')")
    assert (again.status, out) == ("success", "again\n")


async def test_i7_a_killed_shim_takes_its_run_with_it(runs: LocalHarness) -> None:
    hidden = mark()
    run = await runs.start(runs.spec(with_daemon(hidden)))
    other = await runs.start(runs.spec("print('ready'); open('/dev/stdin').read()", slot=1))
    await run.out.until("ready")
    assert living(hidden)
    os.kill(parent_of(run.pid), signal.SIGKILL)
    outcome = await run.outcome()
    assert (outcome.status, outcome.reason) == ("failure", "launcher_lost")
    assert not living(hidden)
    assert (await other.outcome()).status == "success"


async def test_closing_kills_all_runs(tmp_path: Path) -> None:
    runs, hidden = await LOCAL[0].open(tmp_path), mark()
    run = await runs.start(runs.spec(with_daemon(hidden)))
    await run.out.until("ready")
    await runs.backend.close()
    assert (await run.outcome()).status == "killed"
    assert not living(hidden)
    with pytest.raises(Unavailable):
        await runs.run("print('too late')")


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.002, 0.003, 0.005, 0.008])
async def test_a_cancelled_start_leaves_nothing(
    tmp_path: Path, runs: LocalHarness, delay: float
) -> None:
    hidden = mark()
    spec = runs.spec(with_daemon(hidden))
    # Its code is there, no zygote is: what is cancelled is the start of processes.
    await runs.backend.prefetch(msgspec.structs.replace(spec, mode="exec"))
    starting = asyncio.create_task(_started(runs, spec))
    asyncio.get_running_loop().call_later(delay, starting.cancel)
    try:
        run = await starting
    except asyncio.CancelledError:
        assert not runs.left()
    else:  # a fast machine
        await run.running.stop("killed")
    assert not living(hidden)


async def _started(runs: LocalHarness, spec: RunSpec) -> Run:
    return Run(await (await runs.backend.prepare(spec)).start())


async def test_a_launcher_that_cannot_fork_refuses(
    backend: LocalBackend, runs: LocalHarness
) -> None:
    if os.geteuid() == 0:
        pytest.skip("the kernel does not count root's processes")
    pids = [backend.launcher_pid, *process.children(backend.launcher_pid)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_NPROC, (0, hard))
    run = await runs.start_anyhow(runs.spec("print('hello')"))
    outcome = await run.outcome()
    assert (outcome.status, outcome.reason) == ("failure", "start_failed")
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_NPROC, (soft, hard))
    run = await runs.start_anyhow(runs.spec("print('hello')"))
    outcome = await run.outcome()
    assert (outcome.status, await run.err.all()) == ("success", "")
