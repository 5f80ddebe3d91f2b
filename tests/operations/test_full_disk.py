"""A disk that fills up: what is refused first, what goes on, and how all is well once it has room.

On a file system of its own, in memory: only root may make one (small_disk.py).
"""

import os
import re
from collections.abc import Iterator

import pytest

from tests import small_disk
from tests.platform import Api, Platform, Refused, api, running, until

pytestmark = [small_disk.needed, pytest.mark.timeout(300)]

PRINTS = {"main.py": "for i in range(200): print('line', i, 'x' * 1000)\n"}
MIB = 1 << 20


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Of its 500 MiB 50 are the reserve."""
    with running(Platform(tmp_path_factory.mktemp("small"), disk_mib=500)) as platform:
        yield platform


@pytest.fixture(autouse=True)
def relieved(platform: Platform) -> Iterator[None]:
    yield
    platform.disk.relieve()


async def missing(client: Api) -> list[str]:
    async with client.session.get("/readyz") as answer:
        return list((await answer.json()).get("missing", []))


async def refused(client: Api) -> int:
    with pytest.raises(Refused) as refusal:
        await client.upload({"main.py": os.urandom(100_000).hex()})
    return refusal.value.status


async def test_the_reserve_is_for_commands_and_for_runs_that_go_on(platform: Platform) -> None:
    async with api(platform, "reserve") as client:
        prints = await client.ready(PRINTS)
        platform.disk.fill(but=40 * MIB)
        assert await refused(client) == 507
        task = await client.run(prints)

        async def waits() -> bool:
            return "the disk is nearly full" in (platform.data / "log/executor.log").read_text()

        await until(waits, "output that waits")
        assert not await missing(client)
        quiet = await client.run(prints)
        await client.post("task/kill", {"id": quiet})
        platform.disk.relieve()
        [run] = await client.ended(task)
        assert run["status"] == "success"
        lines = await client.lines(run["run_id"])
        assert [line for line in lines if line.startswith("line")] == [
            f"line {i} {'x' * 1000}" for i in range(200)
        ]
        assert any(re.match(r"RONDO: output waited \d+ s: the platform's disk", x) for x in lines)


async def test_it_is_well_again_once_there_is_room(platform: Platform) -> None:
    async with api(platform, "full") as client:
        orchestration = await client.ready({"main.py": "print('here')"})
        services = {name: platform.pid(name) for name in ("packager", "scheduler", "logs", "api")}
        platform.disk.fill()

        async def nats_missing() -> bool:
            platform.disk.fill()  # somebody may have given back some
            return "nats" in await missing(client)

        await until(nats_missing, "/readyz to say that NATS stores nothing")

        async def no_command() -> bool:
            platform.disk.fill()
            try:
                await client.run(orchestration)
            except Refused as refusal:
                return refusal.status == 503
            return False

        await until(no_command, "a command that can't be taken")
        platform.disk.relieve()

        async def ready() -> bool:
            return not await missing(client)

        await until(ready, "readiness")
        [run] = await client.ended(await client.run(orchestration))
        assert run["status"] == "success"
        assert await client.lines(run["run_id"]) == ["here"]
        shown = platform.shown()
        assert re.search(r"nats +has stored nothing for \d+ s with \d+ MiB free; ending it", shown)
        assert {name: platform.pid(name) for name in services} == services
