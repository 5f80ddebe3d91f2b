"""How fast a million lines come in and can be read: `python -m tests.logs.bench_ingest`.

Prints lines a second through the whole service, through its INSERT alone, and by a bare COPY of
the same chunks; then how long reads take among a month's partitions.
"""

import asyncio
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg

from libs.eventlog import streams, wire
from libs.eventlog.follow import Delivery
from libs.eventlog.wire import Message
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.runlog import message
from libs.runlog.chunks import Chunk, Cutter
from services.logs import retention
from services.logs.arrivals import Arrivals
from services.logs.ingest import SCHEMA, Ingest
from tests.logs.harness import AT, WORKSPACE, Logs, environ, running, until
from tests.servers import TOKEN, nats_server, postgres_server

LINES = 1_000_000  # of about 200 bytes with their stamp
DAYS = 31
RUN, TASK = uuid4(), uuid4()


def say(what: str, lines: int, seconds: float) -> None:
    sys.stdout.write(f"{what:36} {seconds:7.3f} s {lines / seconds:12,.0f} lines/s\n")


def printed() -> list[Chunk]:
    """Lines as a program prints them that logs its progress."""
    cutter, found, draw = Cutter(), list[Chunk](), random.Random(1)
    for start in range(0, LINES, 1000):
        text = b"".join(
            b"epoch %8d loss %.12f gradient %s\n"
            % (n, 1 / (n + 1), draw.randbytes(60).hex().encode())
            for n in range(start, start + 1000)
        )
        cutter.feed("stdout", text, AT)
        while chunk := cutter.take(AT):
            found.append(chunk)
    return found + cutter.take_all()


def deliveries(given: list[Chunk]) -> list[Delivery]:
    subject = message.subject(WORKSPACE, RUN)
    packed = (message.pack(chunk, TASK) for chunk in given)
    return [
        Delivery(seq, seq, 1, Message(subject, headers, body))
        for seq, (headers, body) in enumerate(packed, start=1)
    ]


async def insert(dsn: str, given: list[Chunk], batch: int) -> None:
    """The projection's own statements, a transaction a batch."""
    ready = deliveries(given)
    ingest = Ingest(Arrivals())
    async with pool.connect(dsn, SCHEMA, durable=True) as database:
        await migrate(database, "services.logs")
        start = time.perf_counter()
        for first in range(0, len(ready), batch):
            async with database.transaction() as connection:
                await ingest.apply(connection, ready[first : first + batch])
        say(f"insert, {batch} chunks a batch", LINES, time.perf_counter() - start)


async def copy(dsn: str, given: list[Chunk], batch: int) -> None:
    day = datetime.fromtimestamp(AT / 1e9, UTC).date()
    rows = [
        (
            *(RUN, c.first_line, c.lines, c.first_at, c.last_at, c.raw_bytes),
            *("zstd", TASK, WORKSPACE, c.data, day),
        )
        for c in given
    ]
    async with pool.connect(dsn, SCHEMA) as database:
        await migrate(database, "services.logs")
        async with database.transaction() as locked:
            await locked.execute(retention.LOCK)
            await retention.ensure(locked, [day])
    connection = await asyncpg.connect(dsn, server_settings={"search_path": SCHEMA})
    start = time.perf_counter()
    for first in range(0, len(rows), batch):
        await connection.copy_records_to_table("chunk", records=rows[first : first + batch])
    say(f"bare COPY, {batch} chunks a batch", LINES, time.perf_counter() - start)
    await connection.close()


async def through(logs: Logs, url: str, given: list[Chunk]) -> None:
    """Published as fast as the stream takes it, read as soon as it is all there."""
    async with wire.connect(url, TOKEN) as nats:
        subject = message.subject(WORKSPACE, RUN)
        start = time.perf_counter()
        for chunk in given:
            headers, body = message.pack(chunk, TASK)
            await nats.publish(subject, body, headers)

        async def acknowledged() -> bool:
            return await streams.last_seq(nats, streams.LOGS) == len(given)

        await until(acknowledged)
        say("acknowledged by the stream", LINES, time.perf_counter() - start)
        await logs.get(f"{RUN}/lines", expect=LINES, last=1)
        say("published and stored", LINES, time.perf_counter() - start)


async def reads(logs: Logs, dsn: str) -> None:
    async with pool.connect(dsn, SCHEMA) as database, database.transaction() as locked:
        await locked.execute(retention.LOCK)
        first = datetime.fromtimestamp(AT / 1e9, UTC).date()
        await retention.ensure(locked, [first + timedelta(days=n) for n in range(DAYS)])
    for what, path, query in (
        ("last 100 lines", "lines", {"last": 100}),
        ("1,000 lines from the middle", "lines", {"from": LINES // 2, "count": 1000}),
        ("search, nothing found", "search", {"text": "nowhere"}),
        ("search, ignoring case", "search", {"text": "NOWHERE", "ignore_case": "true"}),
        ("all of it", "lines", {}),
    ):
        took = []
        for _ in range(3 if path == "search" or not query else 200):
            start = time.perf_counter()
            await logs.get(f"{RUN}/{path}", **query)
            took.append(time.perf_counter() - start)
        took.sort()
        sys.stdout.write(
            f"{what:36} p50 {took[len(took) // 2] * 1e3:8.2f} ms"
            f"  p99 {took[len(took) * 99 // 100] * 1e3:8.2f} ms\n"
        )


async def bench() -> None:
    given = printed()
    stored = sum(len(chunk.data) for chunk in given)
    sys.stdout.write(f"{LINES:,} lines, {len(given)} chunks, {stored / 1e6:.1f} MB\n")
    with postgres_server() as postgres, nats_server() as nats, tempfile.TemporaryDirectory() as at:
        for batch in (20, 500):
            await insert(await postgres.new_database(f"insert{batch}"), given, batch)
            await copy(await postgres.new_database(f"copy{batch}"), given, batch)
        dsn = await postgres.new_database("service")
        async with running(environ(Path(at), nats.url, dsn)) as logs:
            await through(logs, nats.url, given)
            await reads(logs, dsn)


if __name__ == "__main__":
    asyncio.run(bench())
