"""A stop with as many warm interpreters as there may be: in time, and nobody has to be forced."""

import time
from itertools import islice, permutations
from pathlib import Path

import pytest

from tests.platform import Api, Platform, api
from tests.power import times

# In one environment; each order of imports has a zygote of its own.
NAMES = ["idna", "certifi", "urllib3", "six"]
ORDERS = [", ".join(each) for each in islice(permutations(NAMES), 16)]
REQUIREMENTS = {"requirements.txt": "\n".join(NAMES)}
ROUNDS = times(1, 2)
WITHIN = 5.0  # seconds, as documented


async def warm(client: Api, orchestrations: list[str]) -> None:
    """Until a run of each is a fork, so that all have their zygotes."""
    cold = orchestrations
    while cold:
        tasks = {each: await client.run(each) for each in cold}
        ended = {each: (await client.ended(task))[0] for each, task in tasks.items()}
        assert {run["status"] for run in ended.values()} == {"success"}, ended
        cold = [each for each, run in ended.items() if run["new_interpreter"]]


@pytest.mark.timeout(600)
async def test_a_stop_with_sixteen_zygotes(tmp_path: Path) -> None:
    platform = Platform(tmp_path)
    orchestrations: list[str] = []
    try:
        for _ in range(ROUNDS):
            platform.start()
            async with api(platform, "stops") as client:
                if not orchestrations:
                    orchestrations = [
                        await client.ready({"main.py": f"import {names}\n", **REQUIREMENTS})
                        for names in ORDERS
                    ]
                await warm(client, orchestrations)
            began = time.monotonic()
            platform.stop()
            assert time.monotonic() - began < WITHIN
            assert "did not heed" not in platform.shown()
    finally:
        platform.stop()
