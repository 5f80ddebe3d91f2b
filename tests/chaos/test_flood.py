"""Five million lines from one run, while what carries them is killed: for the long run only."""

import asyncio
import random
import sys
from collections.abc import Iterator

import pytest

from libs.domain.events import RunFinished
from tests.chaos.load import readable
from tests.platform import Platform, api, running, until

LINES = 5_000_000
SCRIPT = f"""
out = open(1, "w", buffering=1 << 16, closefd=False)
for n in range({LINES}):
    out.write(f"line {{n}}\\n")
out.flush()
"""


@pytest.fixture
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running(Platform(tmp_path_factory.mktemp("flood"))) as platform:
        yield platform


@pytest.mark.timeout(1800)
async def test_five_million_lines_are_complete(
    platform: Platform, minutes: float, seed: int
) -> None:
    """I5: when the run has ended every line is acknowledged, and soon can be read."""
    if minutes < 5:
        pytest.skip("the system tests have very many lines")
    victims = random.Random(seed).sample(("logs", "nats", "postgres"), 3)
    sys.stdout.write(f"--chaos-seed={seed}: {victims}\n")
    async with api(platform, "flood") as client:
        task = await client.run(await client.ready({"main.py": SCRIPT}))
        await until(lambda: client.runs(task), "the run to begin")
        for victim in victims:
            await asyncio.sleep(1)  # let it print
            platform.signal(victim)
        await readable(client)
        [run] = await client.ended(task)
        assert run["status"] == "success"
        order = {"id": run["run_id"], "lines": 2}

        async def complete() -> list[str]:
            found = await client.post("task/get_logs_for_run", order)
            return list(found["logs"]) if found["complete"] else []

        last = await until(complete, "all lines to be stored")
        assert [line.split(" ", 3)[3] for line in last] == [
            f"line {LINES - 2}",
            f"line {LINES - 1}",
        ]
    ends = [fact.event for fact in await platform.events() if fact.stream.id == run["run_id"]]
    assert [end.lines for end in ends if isinstance(end, RunFinished)] == [LINES]
