"""An executor that stands still (I2, I7): a killed task is gone, and two attempts are never one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.executor.harness import living, mark
from tests.platform import Api, Platform, api, running, until

SLEEPS = mark()
SCRIPT = f"""
import subprocess
subprocess.Popen(["sleep", "{SLEEPS}"], start_new_session=True)
print("up")
subprocess.run(["sleep", "600"])
"""


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with running(Platform(tmp_path)) as platform:
        yield platform


async def test_i7_a_killed_task_of_a_stalled_executor_has_no_process(platform: Platform) -> None:
    async with api(platform, "stalled") as client:
        task = await client.run(await client.ready({"main.py": SCRIPT}), "continuously")
        await until(one_sleeps, "its process")
        assert platform.signal("executor", signal.SIGSTOP)
        await client.post("task/kill", {"id": task, "keep_logs": True})
        await until(partial(is_killed, client, task), "the kill")
        assert not living(SLEEPS)
        [run] = await client.runs(task)
        assert (await client.details(task, run["run_id"]))["reason"] == "executor_lost"
        assert platform.signal("executor", signal.SIGCONT)
        # It goes on: with others' runs, not with that one.
        [other] = await client.ended(await client.run(await client.ready({"main.py": ""})))
        assert other["status"] == "success"
        assert not living(SLEEPS)


async def test_i2_the_second_attempt_begins_when_the_first_is_gone(
    platform: Platform, tmp_path: Path
) -> None:
    async with api(platform, "attempts") as client:
        orchestration = await client.ready({"main.py": SCRIPT})
        task = await client.run(orchestration, retry={"attempts": 2, "backoff": 0})
        await until(one_sleeps, "the first attempt's process")
        [first] = living(SLEEPS)
        with another_executor(platform, tmp_path):
            assert platform.signal("executor", signal.SIGSTOP)
            seen = await until(partial(others, first), "the second attempt's process")
            assert len(seen) == 1
            assert platform.signal("executor", signal.SIGCONT)
            await client.post("task/kill", {"id": task})
            await until(partial(is_killed, client, task), "the kill")
            assert not living(SLEEPS)


async def one_sleeps() -> bool:
    return len(living(SLEEPS)) == 1


async def others(first: int) -> list[int]:
    """Empty as long as there is only the first; fails if both are there."""
    found = living(SLEEPS)
    assert not (first in found and len(found) > 1), "two attempts at once"
    return [] if first in found else found


async def is_killed(client: Api, task: str) -> bool:
    return bool((await client.task(task))["status"] == "killed")


@contextmanager
def another_executor(platform: Platform, folder: Path) -> Iterator[None]:
    """A second one, as on another machine; it is there when it claims what is next."""
    with (folder / "another.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "services.executor"],
            env={**os.environ, **platform.executor_environment(folder / "another")},
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(30) == 0, (folder / "another.log").read_text()
