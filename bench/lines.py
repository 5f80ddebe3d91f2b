"""The road of a printed line: from a pipe to Postgres at full speed, reading a very long log, and
how soon a line of a run that goes on is read or followed."""

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import aiohttp
import asyncpg

from bench.figure import Figure, percentile, show
from bench.live import Live, live
from bench.stack import Stores, stores
from libs.domain.events import RunStarted
from libs.service.disk_reserve import DiskReserve
from services.executor.log_publisher import LogPublisher
from services.executor.pipe_output import PipeOutput
from tests.logs.harness import Logs, client, environ

LINES, MANY = 1_000_000, 10_000_000
BYTES = 100  # of a line, its end included
WORKSPACE, TASK = 7, uuid4()
PRINTS = """
import time
for _ in range(60):
    time.sleep(0.05)
    print(time.time_ns())
"""


def measure(full: bool = False) -> list[Figure]:
    return asyncio.run(_measure(MANY if full else LINES))


async def _measure(count: int) -> list[Figure]:
    latencies = await _latencies()  # first: what follows keeps the disk busy for a while
    with tempfile.TemporaryDirectory(prefix="rondo-bench-", dir="/var/tmp") as folder:
        printed = Path(folder) / "printed"
        printed.write_bytes(_text(LINES))
        async with stores() as place, _service(place, Path(folder)) as logs:
            run, rate = await _through(place, logs, printed, LINES)
            copied = await _copied(place.dsn, printed)
            if count > LINES:
                run, _ = await _through(place, logs, printed, count)
            tails = [await _tail(logs, run) for _ in range(200)]
    most = percentile(tails, 0.99)
    target = max(150_000, 0.4 * copied)
    return [
        Figure(
            f"log path, pipe to Postgres, {BYTES} bytes a line",
            *(rate, "lines/s", ">= 150k and >= 0.4 x COPY", rate >= target),
            *("COPY of the same lines, lines/s", copied),
        ),
        Figure(f"last 100 of {count:,} lines, p99", most, "ms", "<= 15 ms", most <= 15),
        *latencies,
    ]


def _text(count: int) -> bytes:
    """Lines as a program prints them that logs its progress."""
    draw = random.Random(1)
    some = [
        b"epoch %8d loss %.12f %s" % (n, 1 / (n + 1), draw.randbytes(60).hex().encode())
        for n in range(10_000)
    ]
    page = b"".join(line[: BYTES - 1] + b"\n" for line in some)
    return page * (count // len(some))


@asynccontextmanager
async def _service(place: Stores, folder: Path) -> AsyncIterator[Logs]:
    """The logs service, a process of its own."""
    settings = environ(folder, place.nats_url, place.dsn)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.logs", env={"PATH": os.defpath, **settings}
    )
    try:
        async with client(settings) as logs:
            yield logs
    finally:
        process.terminate()
        await process.wait()


async def _through(place: Stores, logs: Logs, printed: Path, count: int) -> tuple[UUID, float]:
    """Lines a second of a program that prints as fast as it may, until all can be read. Output is
    read and sent as an executor does it."""
    run = uuid4()
    output = LogPublisher(place.nats, WORKSPACE, TASK, run, DiskReserve(None, 0))
    (out, to_out), (err, to_err) = os.pipe(), os.pipe()
    begun = time.perf_counter()
    files = [str(printed)] * (count // LINES)
    program = await asyncio.create_subprocess_exec("/bin/cat", *files, stdout=to_out, stderr=to_err)
    os.close(to_out)
    os.close(to_err)
    await output.pump(PipeOutput(out, err), program.wait)
    await program.wait()
    assert await output.close() == count
    while int((await logs.get(f"{run}/lines", last=0)).headers["Rondo-Lines"]) < count:
        await asyncio.sleep(0.01)
    return run, count / (time.perf_counter() - begun)


async def _copied(dsn: str, printed: Path) -> float:
    """Lines a second by COPY, a row each, 2,000 at a time, from memory."""
    lines = printed.read_text().splitlines()
    run, connection = uuid4(), await asyncpg.connect(dsn)
    rows = [(run, number, line) for number, line in enumerate(lines)]
    try:
        await connection.execute(
            "CREATE TABLE line (run uuid, number bigint, text text, PRIMARY KEY (run, number))"
        )
        begun = time.perf_counter()
        for first in range(0, len(rows), 2000):
            await connection.copy_records_to_table("line", records=rows[first : first + 2000])
        return len(rows) / (time.perf_counter() - begun)
    finally:
        await connection.close()


async def _tail(logs: Logs, run: UUID) -> float:
    begun = time.perf_counter()
    assert len(await logs.lines(run, last=100)) == 100
    return (time.perf_counter() - begun) * 1e3


async def _latencies() -> list[Figure]:
    """Of lines printed every 50 ms, without a flush in the code."""
    async with live() as place:
        orchestration = await place.orchestration("prints", PRINTS)
        await _run(place, orchestration)  # what is not measured warms the environment
        run = await _run(place, orchestration)
        followed = await _followed(place, run)
        run = await _run(place, orchestration)
        asked = await _asked(place, run)
    follow, read = percentile(followed, 0.5), percentile(asked, 0.5)
    return [
        Figure("printed line -> arrives on a follow, p50", follow, "ms", "<= 20 ms", follow <= 20),
        Figure("printed line -> readable, p50", read, "ms", "<= 250 ms", read <= 250),
    ]


async def _run(place: Live, orchestration: str) -> str:
    after = await place.log.end()
    await place.run_once(orchestration)
    run = (await place.event(RunStarted, after)).stream.id
    await place.logs(run)
    return run


async def _followed(place: Live, run: str) -> list[float]:
    waits: list[float] = []
    url = f"/v1/api/task/run/{run}/follow"
    async with place.session.get(url, timeout=aiohttp.ClientTimeout(total=60)) as answer:
        async for line in answer.content:
            if line.startswith(b"data: ["):
                arrived = time.time_ns()
                waits += [_age(stamped, arrived) for stamped in json.loads(line[6:])]
    return waits


async def _asked(place: Live, run: str) -> list[float]:
    """One who asks again and again; what is new was not readable before."""
    waits: list[float] = []
    while len(waits) < 40:
        lines = (await place.logs(run, lines=100))["logs"]
        arrived = time.time_ns()
        waits += [_age(stamped, arrived) for stamped in lines[len(waits) :]]
    return waits


def _age(stamped: str, arrived: int) -> float:
    return (arrived - int(stamped.split(" ", 3)[3])) / 1e6


if __name__ == "__main__":
    show(measure())
