"""The road but for the runs themselves, over HTTP: start times, commands, kills, schedules."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bench import schedules
from bench.figure import Figure, percentile, show
from examples.demo import call, packaged, platform, sign_in, upload_files
from libs.domain.events import RunFinished
from libs.eventlog import nats_client
from libs.eventlog.log import EventLog

STAMPED = "import time\nprint(time.time_ns())\n"
FOREVER = "import time\nprint('up', flush=True)\ntime.sleep(3600)\n"


def measure() -> list[Figure]:
    return [*asyncio.run(_measure()), *schedules.measure()]


async def _measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="rondo-bench-", dir="/var/tmp") as folder:
        data = Path(folder) / "data"
        first = await _started(data)
        second = await _started(data)
        async with (
            platform(data, 0) as (_, ready),
            aiohttp.ClientSession(ready["url"]) as session,
            _log(data) as log,
        ):
            await sign_in(session, ready["user"], ready["password"])
            bench = _Bench(session, log)
            await bench.prepare()
            return [
                Figure("rondo up -> ready, first time", first, "s", "<= 2.5 s", first <= 2.5),
                Figure("rondo up -> ready, again", second, "s", "<= 1.2 s", second <= 1.2),
                *await bench.commands(),
                *await bench.kills(),
            ]


async def _started(data: Path) -> float:
    begun = time.perf_counter()
    async with platform(data, 0):
        return time.perf_counter() - begun


@asynccontextmanager
async def _log(data: Path) -> AsyncIterator[EventLog]:
    """The platform's event log, read beside it: asking the API when a run ends would load it."""
    token = (data / "secrets" / "nats-token").read_text().strip()
    port = json.loads((data / "ports.json").read_bytes())["nats"]
    async with nats_client.connect(f"nats://127.0.0.1:{port}", token) as nats:
        yield EventLog(nats)


class _Bench:
    def __init__(self, session: aiohttp.ClientSession, log: EventLog) -> None:
        self._session = session
        self._log = log
        self._workspace = 0
        self._stamped = ""
        self._forever = ""

    async def prepare(self) -> None:
        created = await call(self._session, "workspaces/create", {"workspace_name": "bench"})
        self._workspace = int(created["workspace_id"])
        self._stamped = await self._orchestration(STAMPED)
        self._forever = await self._orchestration(FOREVER)
        for _ in range(3):  # the first run of an environment warms it
            after = await self._log.end()
            await self._run_once()
            await self._ended(after)

    async def _orchestration(self, main: str) -> str:
        id = await upload_files(self._session, self._workspace, "bench", {"main.py": main})
        await packaged(self._session, id)
        return id

    async def _run_once(self) -> str:
        return await self._create("run_once", self._stamped)

    async def _create(self, how: str, orchestration: str, **more: object) -> str:
        body = {"orch_id": orchestration, "workspace_id": self._workspace, "json": {}, **more}
        return str((await call(self._session, f"task/{how}", body))["id"])

    async def _runs(self, task: str) -> list[dict[str, Any]]:
        found = await call(self._session, "task/list_task_runs", {"task_id": task})
        return list(found)

    async def _ended(self, after: int, count: int = 1) -> list[str]:
        """Waits for the ends of `count` runs after a place in the log; gives their ids."""
        ended: list[str] = []
        async with asyncio.timeout(120):
            async for batch in self._log.follow(after, ("event.*.run.*",)):
                ended += [one.stream.id for one in batch if isinstance(one.event, RunFinished)]
                if len(ended) >= count:
                    break
        return ended

    async def commands(self) -> list[Figure]:
        """A POST that makes a task, to its 201, visible; yearly ones, so that no run disturbs."""
        alone = await _timed(200, 1, self._command)
        crowd = await _timed(1600, 32, self._command)
        p50, rate = percentile(alone.waits, 0.5), len(crowd.waits) / crowd.seconds
        return [
            Figure("POST task -> 201, visible, p50", p50, "ms", "<= 5 ms", p50 <= 5),
            Figure("POST task with 32 clients", rate, "1/s", ">= 800/s", rate >= 800),
        ]

    async def _command(self) -> None:
        await self._create("run_scheduled", self._stamped, schedule="0 0 1 1 *")

    async def kills(self) -> list[Figure]:
        """From sending the kill to the task being killed, all its processes gone."""
        waits = []
        for _ in range(20):
            task = await self._create("run_once", self._forever)
            async with asyncio.timeout(60):
                while not await self._runs(task):
                    await asyncio.sleep(0.005)
            begun = time.perf_counter()
            await call(self._session, "task/kill", {"id": task})
            while not (await call(self._session, "task/get_by_id", {"id": task}))["killed"]:
                await asyncio.sleep(0)
            waits.append((time.perf_counter() - begun) * 1e3)
        p99 = percentile(waits, 0.99)
        return [Figure("kill -> no process, p99", p99, "ms", "<= 100 ms", p99 <= 100)]


class _Timed:
    def __init__(self) -> None:
        self.waits: list[float] = []
        self.seconds = 0.0


async def _timed(count: int, clients: int, once: Callable[[], Awaitable[None]]) -> _Timed:
    """Milliseconds of each of `count` calls by `clients` at once, and seconds for all."""
    found = _Timed()
    left = iter(range(count))

    async def client() -> None:
        for _ in left:
            begun = time.perf_counter()
            await once()
            found.waits.append((time.perf_counter() - begun) * 1e3)

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    found.seconds = time.perf_counter() - begun
    return found


if __name__ == "__main__":
    show(measure())
