"""Environments on a running platform: shown, removed when unneeded, made again when needed."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.platform import Api, Platform, api, running, until


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setenv("RONDO_ENVIRONMENTS_DAYS", "1")
    with running(Platform(tmp_path)) as found:
        yield found


async def shown(client: Api) -> list[dict[str, Any]]:
    async with client.session.get("/v1/api/admin/environments") as answer:
        assert answer.status == 200
        return list(json.loads(await answer.read()))


async def test_an_unneeded_one_goes_and_comes_back_with_the_next_task(platform: Platform) -> None:
    async with api(platform, "environments") as client:
        orchestration = await client.ready({"main.py": "print('here')"})
        folder = platform.data / "environments"
        (environment,) = (path for path in folder.iterdir() if path.name[0] != ".")

        async def listed() -> bool:
            return [one["id"] for one in await shown(client)] == [environment.name]

        await until(listed, "the environment in the list")
        (one,) = await shown(client)
        assert one["bytes"] >= one["own_bytes"] > 0
        assert one["in_use"] is False
        task = await client.run(orchestration)
        await client.ended(task)

    # As if nobody had used it for two days; the packager looks when it starts.
    platform.stop()
    long_ago = time.time() - 2 * 86400
    os.utime(environment, (long_ago, long_ago))
    platform.start()

    async def gone() -> bool:
        return not environment.exists()

    await until(gone, "the removal of the environment")
    async with api(platform, "environments") as client:
        again = await client.run(orchestration)
        (run,) = await client.ended(again)
        assert run["status"] == "success", run
        assert await client.lines(run["run_id"]) == ["here"]
    assert environment.exists()


async def test_one_that_a_task_needs_stays_and_is_made_again_when_lost(platform: Platform) -> None:
    async with api(platform, "environments") as client:
        orchestration = await client.ready({"main.py": "print('here')"})
        task = await client.run(orchestration, "scheduled", schedule="0 0 1 1 *")
        (environment,) = (
            path for path in (platform.data / "environments").iterdir() if path.name[0] != "."
        )
    platform.stop()
    long_ago = time.time() - 400 * 86400
    os.utime(environment, (long_ago, long_ago))
    platform.start()
    async with api(platform, "environments") as client:

        async def needed() -> bool:
            return [one["in_use"] for one in await shown(client)] == [True]

        await until(needed, "the environment in use")
    assert environment.exists()
    platform.stop()
    (platform.data / "environments" / ".locks").mkdir(exist_ok=True)
    lock = platform.data / "environments" / ".locks" / f"{environment.name}.txt"
    shutil.copyfile(environment / "lock.txt", lock)
    shutil.rmtree(environment)
    platform.start()

    async def back() -> bool:
        return (environment / "bin" / "python").exists()

    await until(back, "the environment made again")
    assert task
