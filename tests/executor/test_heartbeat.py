"""An executor that stands still without being dead: its launcher ends its runs in time (I7)."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from libs.eventlog import lease
from services.executor.local import heartbeat
from services.scheduler import rescue
from tests.executor.harness import DAEMON, LOCAL, Harness, Kind, ended, living, mark, parent_of

ROOT = Path(__file__).parents[2]
IN_TIME = (
    lease.TTL + rescue.LEASE_TIMEOUT_SECONDS - 1.5
)  # seconds after a renewal, when others may begin


class Lone:
    """An executor with one run, which has a daemon; `below` are all processes but the executor."""

    def __init__(self, executor: asyncio.subprocess.Process, below: list[int]) -> None:
        self.executor = executor
        self.below = below

    @classmethod
    async def start(cls, folder: Path, kind: int) -> "Lone":
        hidden = mark()
        script = f"{DAEMON}\nimport signal; daemon('{hidden}'); print('ready'); signal.pause()"
        program = [sys.executable, "-m", "tests.executor.lone_executor", str(folder), str(kind)]
        executor = await asyncio.create_subprocess_exec(*program, script, stdout=PIPE, cwd=ROOT)
        assert executor.stdout
        launcher, run = map(int, (await executor.stdout.readline()).split())
        return cls(executor, [launcher, run, parent_of(run), *living(hidden)])

    async def end(self) -> None:
        if self.executor.returncode is None:
            self.executor.kill()
        await self.executor.wait()

    @property
    def launchers(self) -> list[int]:
        """The launcher, and the one in its namespace where it has one."""
        above, found = parent_of(self.below[2]), [self.below[0]]
        while above not in (*found, self.executor.pid, 1):
            found.append(above)
            above = parent_of(above)
        return found


@pytest.mark.parametrize("kind", range(len(LOCAL)), ids=map(str, LOCAL))
async def test_i7_its_runs_end_before_others_may_begin(tmp_path: Path, kind: int) -> None:
    lone = await Lone.start(tmp_path, kind)
    try:
        lone.executor.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        for pid in lone.below[1:]:
            await ended(pid)
        assert time.monotonic() - begun < IN_TIME
        lone.executor.send_signal(signal.SIGCONT)  # it finds that its run has ended, and ends
        await asyncio.wait_for(lone.executor.wait(), 30)
    finally:
        await lone.end()


@pytest.mark.parametrize("first", ["the executor", "its launcher"])
async def test_i7_whoever_wakes_first_the_gap_stays(tmp_path: Path, first: str) -> None:
    """Both stood still, as on a machine that slept: a pulse that comes again is none."""
    lone = await Lone.start(tmp_path, 0)
    try:
        everybody = [lone.executor.pid, *lone.launchers]
        for pid in everybody:
            os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(
            heartbeat.MAX_SILENCE_SECONDS + 1.0
        )  # nothing happens that one could wait for
        for pid in everybody if first == "the executor" else reversed(everybody):
            os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.1)
        for pid in lone.below:
            await ended(pid)
    finally:
        await lone.end()


async def test_a_short_stop_costs_no_run(tmp_path: Path) -> None:
    lone = await Lone.start(tmp_path, 0)
    try:
        for _ in range(3):  # more than MOST in all
            lone.executor.send_signal(signal.SIGSTOP)
            await asyncio.sleep(heartbeat.MAX_SILENCE_SECONDS / 2.5)
            lone.executor.send_signal(signal.SIGCONT)
            await asyncio.sleep(2 * heartbeat.INTERVAL_SECONDS)
        for pid in lone.below:
            os.kill(pid, 0)
    finally:
        await lone.end()


async def test_its_next_runs_have_another_launcher(tmp_path: Path) -> None:
    runs: Harness = await Kind("fork", namespaces=True).open(tmp_path)
    try:
        run = await runs.start(runs.spec("print('ready'); import time; time.sleep(600)"))
        await run.out.until("ready")
        time.sleep(heartbeat.MAX_SILENCE_SECONDS + 0.5)  # noqa: ASYNC251 - the loop is to stand still
        outcome = await run.outcome()
        assert (outcome.status, outcome.reason) == ("failure", "launcher_lost")
        assert "stood still" in outcome.detail
        again, out, _ = await runs.run("print('again')")
        assert (again.status, out) == ("success", "again\n")
    finally:
        await runs.backend.close()
