"""`make run`: the example has run, the platform serves on, and SIGTERM leaves nothing behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp

from tests.executor.harness import ended
from tests.platform import PATIENCE
from tests.supervisor.instance import children

PROJECT = Path(__file__).parents[2]


async def test_it_shows_the_example_serves_on_and_stops(tmp_path: Path) -> None:
    (tmp_path / "base.in").touch()  # no packages: no network
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "examples.demo"),
        *("--data", str(tmp_path / "data"), "--keep-serving"),
        cwd=PROJECT,
        env={**os.environ, "RONDO_BASE": str(tmp_path / "base.in")},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    async with asyncio.timeout(PATIENCE):
        shown = (await process.stdout.readuntil(b"Ctrl-C stops everything")).decode()
        assert "Hello, Ada!" in shown
        url = shown.rpartition("user ")[0].split()[-1]
        async with aiohttp.ClientSession() as session, session.get(f"{url}/healthz") as answer:
            assert answer.status == 200
        below = children(process.pid)
        assert below
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        for pid in below:
            await ended(pid)
