"""A stop with as many warm interpreters as there may be: in time, and nobody has to be forced."""

import time
from pathlib import Path

import pytest

from tests.platform import Api, Platform, api

# Small ones, each an environment of its own.
PACKAGES = [
    *("six", "idna", "colorama", "certifi", "toml", "attrs", "packaging", "pluggy", "iniconfig"),
    *("click", "itsdangerous", "markupsafe", "wcwidth", "decorator", "pytz", "tzdata"),
]
MAIN = "import asyncio, json, logging\nprint('warm')\n"
ROUNDS = 3
WITHIN = 5.0  # seconds, as documented


async def warm(client: Api, orchestrations: list[str]) -> None:
    """The first run of each is a new interpreter; its template is there by the second."""
    for _ in range(2):
        for task in [await client.run(each) for each in orchestrations]:
            await client.ended(task)


@pytest.mark.timeout(600)
async def test_a_stop_with_sixteen_templates(tmp_path: Path) -> None:
    platform = Platform(tmp_path)
    orchestrations: list[str] = []
    try:
        for _ in range(ROUNDS):
            platform.start()
            async with api(platform, "stops") as client:
                if not orchestrations:
                    orchestrations = [
                        await client.ready({"main.py": MAIN, "requirements.txt": name}, name)
                        for name in PACKAGES
                    ]
                await warm(client, orchestrations)
            began = time.monotonic()
            platform.stop()
            assert time.monotonic() - began < WITHIN
            assert "did not heed" not in platform.shown()
    finally:
        platform.stop()
