"""Reads at size: a log is filled, the views are rebuilt from it, and lists are asked for over HTTP.

The yardstick of a list is what the same process needs to say that it is alive.
"""

import asyncio
import os
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import aiohttp

from bench import rebuild
from bench.figure import Figure, percentile, show
from bench.fill import Shape, fill
from bench.footprint import cpu_seconds
from bench.stack import api, stores
from examples.demo import call
from libs.domain.events import WorkspaceCreated
from libs.domain.ids import workspace_stream
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog, Proposed

SMALL = Shape(1_000, 10_000, 100_000)
FULL = Shape(10_000, 100_000, 1_000_000)
TIMES, TARGET = 300, 15.0
WORKSPACE = 1


@dataclass(frozen=True)
class Asked:
    name: str
    path: str
    body: dict[str, Any]


def measure(full: bool = False) -> list[Figure]:
    return asyncio.run(_measure(FULL if full else SMALL))


async def _measure(shape: Shape) -> list[Figure]:
    async with stores() as place:
        created = Proposed(workspace_stream(WORKSPACE), 0, WorkspaceCreated(name="b", owner="b"))
        log = EventLog(place.nats)
        await log.append(created, Context(source="bench", actor="bench"))
        begun = time.perf_counter()
        count = await fill(place.nats, WORKSPACE, "bench", shape)
        rate = count / (time.perf_counter() - begun)
        filled = Figure(f"fill of the log by atomic batches, {count} events", rate, "1/s")
        rebuilt = await rebuild.figures(place, await log.end())
        async with api(place) as session:
            return [filled, *rebuilt, *await _lists(session, shape)]


async def _lists(session: aiohttp.ClientSession, shape: Shape) -> list[Figure]:
    alive = [await _timed(session.get("/healthz")) for _ in range(TIMES)]
    found = []
    for one in await _questions(session):
        before = _servers_seconds()
        waits = [
            await _timed(session.post(f"/v1/api/{one.path}", json=one.body)) for _ in range(TIMES)
        ]
        used = (_servers_seconds() - before) / TIMES * 1e3
        p99 = percentile(waits, 0.99)
        name = f"{one.name} at {shape.runs:,} runs, p99"
        target, met = f"<= {TARGET:g} ms", p99 <= TARGET
        half = percentile(waits, 0.5)
        beside = f"p50 {half:.1f} ms, {used:.1f} of CPU in api and stores; GET /healthz, p99, ms"
        found.append(Figure(name, p99, "ms", target, met, beside, percentile(alive, 0.99)))
    return found


async def _questions(session: aiohttp.ClientSession) -> list[Asked]:
    """The first page of each list, and one that lies deep."""
    mine = {"workspace_id": WORKSPACE}
    tasks = await call(session, "task/list", {**mine, "limit": 1000})
    task, deep = tasks[0]["id"], tasks[-1]["id"]
    return [
        Asked("list of 100 tasks", "task/list", {**mine, "limit": 100}),
        Asked("list of 100 tasks, deep", "task/list", {**mine, "limit": 100, "before": deep}),
        Asked("list of 100 runs", "task/list_task_runs", {"task_id": task, "limit": 100}),
        Asked(
            "list of a task's failed runs",
            "task/list_task_runs",
            {"task_id": task, "limit": 100, "status": "failure"},
        ),
        Asked("list of 100 orchestrations", "orchestration/list", {**mine, "limit": 100}),
    ]


def _servers_seconds() -> float:
    """Of CPU, in all processes that were started from here."""
    return cpu_seconds(os.getpid()) - time.process_time()


async def _timed(request: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> float:
    """Milliseconds until the whole answer is there."""
    begun = time.perf_counter()
    async with request as response:
        await response.read()
        response.raise_for_status()
    return (time.perf_counter() - begun) * 1e3


if __name__ == "__main__":
    show(measure())
