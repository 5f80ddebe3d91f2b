"""A process of the platform that somebody stops holds nothing up for ever, and it is said."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.domain.errors import Unavailable
from libs.linux import proc
from services.executor.local import ending, process, stopped_process
from services.executor.local.control import Channel
from services.executor.local.protocol import Preload
from tests.executor.harness import (
    DAEMON,
    LOCAL,
    PATIENCE,
    Harness,
    Kind,
    LocalHarness,
    Run,
    living,
    mark,
)

WAITING = "import signal; print('ready'); signal.pause()"
FORKED = Kind("fork", namespaces=True)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START_TIMEOUT_SECONDS", 2.0)
    monkeypatch.setattr(ending, "STOP_TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr(stopped_process, "SILENCE_TIMEOUT_SECONDS", 1.5)


@pytest.fixture(params=LOCAL, ids=str)
async def runs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    runs: LocalHarness = await request.param.open(tmp_path)
    yield runs
    await asyncio.wait_for(runs.backend.close(), PATIENCE)


async def waiting(runs: Harness, slot: int = 0) -> Run:
    run = await runs.start(runs.spec(WAITING, slot=slot))
    await run.out.until("ready")
    return run


def stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


async def test_a_run_whose_shim_is_stopped_ends_after_its_script(
    runs: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    hidden = mark()
    script = f"{DAEMON}\nimport signal; daemon('{hidden}'); print('ready'); signal.pause()"
    run = await runs.start(runs.spec(script))
    await run.out.until("ready")
    other = await waiting(runs, slot=1)
    shim = proc.parent(run.pid)
    stop(shim)
    os.kill(run.pid, signal.SIGKILL)
    with caplog.at_level(logging.WARNING):
        outcome = await run.outcome()
    assert (outcome.status, outcome.reason) == ("failure", "launcher_lost")
    assert "was stopped by somebody" in outcome.detail
    assert f"process {shim}, which watches over runs, is stopped" in caplog.text
    assert not living(hidden)
    os.kill(other.pid, signal.SIGKILL)
    assert (await other.outcome()).signal == "SIGKILL"


async def test_a_shim_that_goes_on_in_time_says_how_its_run_ended(runs: Harness) -> None:
    run = await waiting(runs)
    shim = proc.parent(run.pid)
    stop(shim)
    os.kill(run.pid, signal.SIGUSR1)
    while proc.lives(run.pid):  # noqa: ASYNC110 - only its parent is told
        await asyncio.sleep(0.01)
    os.kill(shim, signal.SIGCONT)
    assert (await run.outcome()).signal == "SIGUSR1"


async def test_i7_a_run_whose_shim_is_stopped_can_be_killed(runs: Harness) -> None:
    run, other = await waiting(runs), await waiting(runs, slot=1)
    stop(proc.parent(run.pid))
    await asyncio.wait_for(run.running.stop("killed"), PATIENCE)
    assert (await run.outcome()).reason == "killed"
    assert not proc.lives(run.pid)
    assert proc.lives(other.pid)


async def test_a_stopped_zygote_gives_way_to_new_interpreters(tmp_path: Path) -> None:
    runs: LocalHarness = await FORKED.open(tmp_path)
    zygote = proc.parent(proc.parent((await waiting(runs)).pid))
    stop(zygote)
    specs = [runs.spec("print('done')", slot=slot) for slot in range(1, 6)]
    started = await asyncio.wait_for(asyncio.gather(*map(runs.start_anyhow, specs)), PATIENCE)
    assert [(await run.outcome()).status for run in started] == ["success"] * 5
    assert any([(await run.outcome()).new_interpreter for run in started])
    assert not proc.lives(zygote)
    await runs.backend.close()


async def test_a_stopped_launcher_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runs: LocalHarness = await Kind("exec", namespaces=True).open(tmp_path)
    launcher = proc.parent(proc.parent((await waiting(runs)).pid))
    stop(launcher)
    with caplog.at_level(logging.WARNING), pytest.raises(Unavailable):
        await asyncio.wait_for(runs.start(runs.spec("print('never')", slot=1)), PATIENCE)
    assert f"process {launcher}, which watches over runs, is stopped" in caplog.text
    outcome, out, _ = await runs.run("print('again')", slot=2)
    assert (outcome.status, out) == ("success", "again\n")
    await runs.backend.close()


@pytest.mark.parametrize("who", ["shim", "zygote", "launcher"])
async def test_the_executor_ends_although_one_is_stopped(tmp_path: Path, who: str) -> None:
    runs: LocalHarness = await FORKED.open(tmp_path)
    run = await waiting(runs)
    shim = proc.parent(run.pid)
    zygote = proc.parent(shim)
    # Of the zygote's own there are two: one in its process table, one outside.
    launcher = proc.parent(proc.parent(proc.parent(zygote)))
    stop({"shim": shim, "zygote": zygote, "launcher": launcher}[who])
    await asyncio.wait_for(runs.backend.close(), PATIENCE)
    assert (await run.outcome()).status == "killed"
    assert not proc.lives(run.pid)


async def test_an_order_that_waits_for_a_stopped_reader_ends_with_the_channel() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    channel = Channel(ours)
    channel.listen()

    async def fill() -> None:
        while True:
            await channel.order(Preload(["import os"] * 1000))

    filling = [asyncio.create_task(fill()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(each.done() for each in filling)
    channel.end()
    for each in filling:
        with pytest.raises(Unavailable):
            await asyncio.wait_for(each, PATIENCE)
    theirs.close()
