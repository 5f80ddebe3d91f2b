"""The dashboard at size: how long the server takes for each page, and what a live one costs it.

The yardstick of a page is what the same process needs to say that it is alive; that of a live page
is what the same run costs while nobody looks.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bench.figure import Figure, percentile, show
from bench.fill import Shape, fill
from bench.live import Live, live
from examples.demo import call
from libs.domain.events import RunStarted
from tests.dashboard.people import Person
from tests.supervisor.instance import children, command_line

SMALL = Shape(100, 1_000, 10_000)
FULL = Shape(1_000, 10_000, 100_000)
TIMES, TARGET = 100, 50.0
WATCHED = 20.0  # seconds
MOST_CPU = 2.0  # %
TALKS = """
import time
for number in range(10_000):
    print("step", number, "loss 0.1234", flush=True)
    time.sleep(0.1)
"""


def measure(full: bool = False) -> list[Figure]:
    return asyncio.run(_measure(FULL if full else SMALL))


async def _measure(shape: Shape) -> list[Figure]:
    async with live() as platform, _dashboard(platform) as (person, user):
        await fill(platform.nats, platform.workspace, user, shape)
        await _caught_up(person)
        pages = await _pages(platform)
        alive = [await _timed(person, "/healthz") for _ in range(TIMES)]
        size = f"at {shape.runs:,} runs"
        found = [await _page(person, f"{n} {size}", path, alive) for n, path in pages.items()]
        return [*found, await _live_page(platform, person)]


@asynccontextmanager
async def _dashboard(platform: Live) -> AsyncIterator[tuple[Person, str]]:
    """A browser's session, and the user's id."""
    url = str(platform.session._base_url)
    jar = aiohttp.CookieJar(unsafe=True)  # it is served at an address, not a name
    async with aiohttp.ClientSession(url, headers={"Accept": "text/html"}, cookie_jar=jar) as one:
        person = Person(one)
        password = (platform.data / "secrets" / "admin-password").read_text().strip()
        me = await call(platform.session, "users/whoami", {})
        answer = await person.sign_in(me["email"], password)
        assert answer.status == 303, answer.text
        yield person, me["id"]


async def _caught_up(person: Person) -> None:
    async with asyncio.timeout(300):
        while (await person.ask("GET", "/readyz")).status != 200:
            await asyncio.sleep(0.1)


async def _pages(platform: Live) -> dict[str, str]:
    """By their names; of the things in the middle of it all."""
    mine = {"workspace_id": platform.workspace}
    tasks = await call(platform.session, "task/list", {**mine, "limit": 1000})
    task = next(one for one in tasks if one["kind"] == "scheduled")
    runs = await call(platform.session, "task/list_task_runs", {"task_id": task["id"], "limit": 1})
    body = {"name": "warehouse", "type": "POSTGRES", "details": {}}
    connection = (await call(platform.session, "connections/create", body))["id"]
    orchestration, run = task["orch_id"], runs[0]["run_id"]
    return {
        "workloads": "/workloads",
        "workloads, searched": "/workloads?search=score-000",
        "workloads, only active": "/workloads?status=active",
        "a workload's tasks": f"/workloads/{orchestration}",
        "a workload's runs": f"/workloads/{orchestration}?tab=runs",
        "a task": f"/tasks/{task['id']}",
        "a run": f"/runs/{run}",
        "history of a task": f"/history/task/{task['id']}",
        "history of a run": f"/history/run/{run}",
        "timeline, hour": "/timeline?zoom=hour",
        "timeline, day": "/timeline?zoom=day",
        "timeline, week": "/timeline?zoom=week",
        "connections": "/connections",
        "a connection": f"/connections/{connection}",
        "workspaces": "/workspaces",
        "a workspace": f"/workspaces/{platform.workspace}",
        "account": "/account",
        "users": "/users",
        "platform": "/platform",
    }


async def _page(person: Person, name: str, path: str, alive: list[float]) -> Figure:
    waits = [await _timed(person, path) for _ in range(TIMES)]
    p95 = percentile(waits, 0.95)
    return Figure(
        f"page: {name}, p95",
        p95,
        "ms",
        f"<= {TARGET:g} ms",
        p95 <= TARGET,
        f"p50 {percentile(waits, 0.5):.1f} ms; GET /healthz, p95, ms",
        percentile(alive, 0.95),
    )


async def _timed(person: Person, path: str) -> float:
    """Milliseconds until the whole answer is there."""
    begun = time.perf_counter()
    answer = await person.ask("GET", path)
    assert answer.status == 200, (path, answer.status)
    return (time.perf_counter() - begun) * 1e3


async def _live_page(platform: Live, person: Person) -> Figure:
    """A run that prints ten lines a second, with its page open and without."""
    after = await platform.log.end()
    await platform.run_once(await platform.orchestration("talks", TALKS))
    run = (await platform.event(RunStarted, after)).stream.id
    pids = _pids(platform.pid, "api", "logs")
    unseen = await _cpu(pids)
    shown = await person.ask("GET", f"/runs/{run}")
    async with asyncio.TaskGroup() as streams:
        open = [streams.create_task(_listen(person, path)) for path in _streams(shown.text)]
        seen = await _cpu(pids)
        for one in open:
            one.cancel()
    more = seen - unseen
    target, met = f"< {MOST_CPU:g} %", more < MOST_CPU
    beside = "the same run, its page closed: % of a core"
    return Figure(
        "live run page: api and logs, % of a core", more, "%", target, met, beside, unseen
    )


def _streams(page: str) -> list[str]:
    """What the page's scripts listen to."""
    named = [
        page.partition(f'{mark}="')[2].partition('"')[0] for mark in ("data-follow", "data-live")
    ]
    assert all(named), "the page is not live"
    return [path.replace("&amp;", "&") for path in named]


async def _listen(person: Person, path: str) -> None:
    headers = {"Accept": "text/event-stream"}
    async with person.session.get(path, headers=headers) as stream:
        assert stream.status == 200
        async for _ in stream.content.iter_any():
            pass


def _pids(parent: int, *services: str) -> list[int]:
    marks = [f"-m\0services.{name}\0" for name in services]
    return [pid for pid in children(parent) if any(mark in command_line(pid) for mark in marks)]


async def _cpu(pids: list[int]) -> float:
    """% of a core that these processes take."""
    before, begun = sum(map(_ticks, pids)), time.perf_counter()
    await asyncio.sleep(WATCHED)
    seconds = (sum(map(_ticks, pids)) - before) / os.sysconf("SC_CLK_TCK")
    return seconds / (time.perf_counter() - begun) * 100


def _ticks(pid: int) -> int:
    """User and system time, proc(5)."""
    with open(f"/proc/{pid}/stat") as stat:
        fields: list[Any] = stat.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


if __name__ == "__main__":
    show(measure(full=True))
