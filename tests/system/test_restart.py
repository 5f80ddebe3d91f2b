"""Stopped and started again on the same folder: everything is there, and time is made up for."""

import asyncio
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from libs.domain.events import RunRequested
from libs.domain.schedule import GRACE
from tests.history.ticks import accounted
from tests.platform import Api, Platform, api, running, until

WORKSPACE = "restart"
SLEEPER = """
import time
print("on")
try:
    time.sleep(600)
finally:
    print("off")  # what is printed when all ends belongs to the log as well
"""


@dataclass(frozen=True)
class Before:
    """What there was when the platform was stopped."""

    authorization: str
    orchestration: str
    ended: dict[str, Any]
    lines: list[str]
    under_way: str
    killed: str


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Platform, Before]]:
    with running(Platform(tmp_path_factory.mktemp("restart"))) as platform:
        before = asyncio.run(lived(platform))
        platform.stop()
        platform.start()
        yield platform, before


async def lived(platform: Platform) -> Before:
    async with api(platform, WORKSPACE) as client:
        orchestration = await client.ready({"main.py": "print('one')\nprint('two')"})
        [ended] = await client.ended(await client.run(orchestration))
        sleeper = await client.ready({"main.py": SLEEPER})
        killed, under_way = await client.run(sleeper), await client.run(sleeper)
        for task in (killed, under_way):
            await until(partial(has_printed, client, task), "the run to be under way")
        await client.post("task/kill", {"id": killed})
        await until(partial(has_status, client, killed, "killed"), "the kill")
        lines = await client.lines(ended["run_id"])
        authorization = client.session.headers["Authorization"]
    return Before(authorization, orchestration, ended, lines, under_way, killed)


async def test_everything_is_there_for_tokens_of_before(
    restarted: tuple[Platform, Before],
) -> None:
    platform, before = restarted
    async with api(platform, WORKSPACE) as client:
        client.session.headers["Authorization"] = before.authorization
        run = await client.details(before.ended["task"], before.ended["run_id"])
        assert run == before.ended
        assert await client.lines(run["run_id"]) == before.lines == ["one", "two"]
        listed = await client.post("orchestration/list", {"workspace_id": client.workspace})
        assert before.orchestration in [one["id"] for one in listed]
        assert (await client.task(before.killed))["status"] == "killed"
        [again] = await client.ended(await client.run(before.orchestration))
        assert again["status"] == "success"


async def test_a_run_that_was_under_way_is_closed_and_not_started_again(
    restarted: tuple[Platform, Before],
) -> None:
    """I6 and I2."""
    platform, before = restarted
    async with api(platform, WORKSPACE) as client:
        [run] = await client.ended(before.under_way)
        assert (run["status"], run["reason"]) == ("failure", "executor_stopped")
        assert await client.lines(run["run_id"]) == ["on", "off"]


async def test_misfire_policies_make_up_for_a_downtime(
    restarted: tuple[Platform, Before],
) -> None:
    """I3: two ticks pass while the scheduler stands still, for longer than the grace."""
    platform, before = restarted
    async with api(platform, WORKSPACE) as client:
        ticks = [datetime.now(UTC) + timedelta(seconds=seconds) for seconds in (10, 11)]
        cron = ",".join(str(tick.second) for tick in ticks) + " * * * * *"
        latest, every, none = [
            await client.run(before.orchestration, "scheduled", schedule=cron, misfire=policy)
            for policy in ("latest", "all", "none")
        ]
        for task in (latest, every, none):
            await until(partial(has_status, client, task, "started"), "status started")
        assert platform.signal("scheduler", signal.SIGSTOP)
        assert datetime.now(UTC) < ticks[0].replace(microsecond=0), "this machine is too slow"
        await until(partial(is_past, ticks[1] + GRACE + timedelta(seconds=1)), "the downtime")
        platform.signal("scheduler")
        [run] = await client.ended(latest)
        assert run["missed"] == 1
        assert len(await client.ended(every, 2)) == 2
        assert await client.runs(none) == []
    events = await platform.events()
    assert list(accounted(events)) == []
    asked = [fact.event for fact in events if isinstance(fact.event, RunRequested)]
    seconds = {tick.replace(microsecond=0) for tick in ticks}
    assert {str(event.task): 0 for event in asked if event.scheduled_at in seconds} == {
        latest: 0,
        every: 0,
    }


async def has_printed(client: Api, task: str) -> bool:
    runs = await client.runs(task)
    return bool(runs) and bool((await client.log(runs[0]["run_id"]))["logs"])


async def has_status(client: Api, task: str, status: str) -> bool:
    return bool((await client.task(task))["status"] == status)


async def is_past(instant: datetime) -> bool:
    return datetime.now(UTC) > instant
