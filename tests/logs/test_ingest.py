"""From the stream into rows, once: redelivery, crashes of everybody involved, and rubbish."""

import asyncio
import random
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from libs.eventlog import streams
from libs.eventlog.nats_client import Nats
from libs.postgres.pool import Database
from libs.runlog import message
from tests.logs.harness import (
    TIMEOUT_SECONDS,
    WORKSPACE,
    Logs,
    Printer,
    client,
    running,
    send,
    until,
)
from tests.servers import NatsServer, postgres_server


class _Info(msgspec.Struct):
    class State(msgspec.Struct):
        messages: int
        last_seq: int

    state: State


async def held(nats: Nats) -> int:
    """How many messages the stream of logs has."""
    return msgspec.json.decode(await nats.api("STREAM.INFO.LOGS"), type=_Info).state.messages


async def test_a_chunk_that_comes_twice_is_there_once(logs: Logs, nats: Nats) -> None:
    printer = Printer(nats)
    pieces = [chunk for n in range(6) for chunk in printer.cut(b"%d" % n)]
    for chunk in [*pieces, *reversed(pieces), *pieces]:
        await printer.publish(chunk)
    later = Printer(nats)
    await later.print(b"")
    await logs.lines(later.run, expect=1)
    answer = await logs.get(f"{printer.run}/lines")
    assert (answer.headers["Rondo-Lines"], len(answer.lines)) == ("6", 6)


async def test_the_stream_is_purged_of_what_is_stored(logs: Logs, nats: Nats) -> None:
    printer = Printer(nats)
    expected = [line for n in range(30) for line in await printer.print(b"%d" % n)]
    assert await held(nats) > 1

    async def purged() -> bool:
        return await held(nats) == 1

    await until(purged)
    assert await logs.lines(printer.run) == expected


async def test_what_was_purged_does_not_come_back_in_the_sequence(
    logs: Logs, nats: Nats, nats_process: NatsServer
) -> None:
    """A stream that counted from 1 again would give chunks that look stored already."""
    printer = Printer(nats)
    for n in range(10):
        await printer.print(b"%d" % n)
    await logs.lines(printer.run, expect=10)
    await streams.purge_through(nats, streams.LOGS, 9)
    nats_process.stop()
    nats_process.start()
    (chunk,) = printer.cut(b"after")
    assert await printer.publish(chunk) == 11
    assert len(await logs.lines(printer.run, expect=11)) == 11


@pytest.mark.parametrize(
    ("subject", "changed"),
    [
        ("log.7.not-a-run", {}),
        ("log.x.11111111-1111-1111-1111-111111111111", {}),
        ("log.7.11111111-1111-1111-1111-111111111111.more", {}),
        ("log.99999999999999999999.11111111-1111-1111-1111-111111111111", {}),
        ("", {"Rondo-Task": "nobody"}),
        ("", {"Rondo-Lines": "many"}),
        ("", {"Rondo-Lines": "-1"}),
        ("", {"Rondo-First-Line": str(2**63 - 1)}),
        ("", {"Rondo-First-At": str(2**63)}),
        ("", {"Rondo-Codec": "rot13"}),
    ],
)
async def test_rubbish_is_left_out_and_stops_nobody(
    logs: Logs, nats: Nats, subject: str, changed: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    printer, bad = Printer(nats), Printer(nats)
    headers, body = message.pack(bad.cut(b"bad")[0], bad.task)
    await send(nats, subject or message.subject(WORKSPACE, bad.run), body, headers | changed)
    expected = await printer.print(b"good")
    assert await logs.lines(printer.run, expect=1) == expected
    assert await logs.lines(bad.run) == []
    assert [record.levelname for record in caplog.records if "message 1" in record.message] == [
        "ERROR"
    ]


async def test_nats_killed_while_a_run_prints(
    logs: Logs, nats: Nats, nats_process: NatsServer
) -> None:
    """I5: what was acknowledged is stored, once and in order."""
    printer = Printer(nats)
    expected: list[bytes] = []
    for n in range(90):
        expected += await printer.print(b"%d" % n)
        if n % 30 == 15:
            nats_process.stop()
            nats_process.start()
    assert await logs.lines(printer.run, expect=90) == expected


async def test_postgres_crashes_while_a_run_prints(settings: dict[str, str], nats: Nats) -> None:
    """I5: a chunk that was not committed comes again, one that was is not written twice."""
    with postgres_server() as server:
        dsn = await server.new_database("logs")
        async with running({**settings, "RONDO_POSTGRES_DSN": dsn}) as logs:
            printer = Printer(nats)
            expected = await printer.print(b"before")
            await logs.lines(printer.run, expect=1)
            server.stop(signal.SIGQUIT)  # at once, as in a crash
            for n in range(20):
                expected += await printer.print(b"%d" % n)
            assert (await logs.get(f"{printer.run}/lines")).status == 503
            server.start()

            async def stored() -> bool:
                return (await logs.get(f"{printer.run}/lines", expect=21)).status == 200

            await until(stored)
            assert await logs.lines(printer.run, expect=21) == expected


@asynccontextmanager
async def process(settings: dict[str, str], folder: Path) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A copy of the service in a process of its own, killed at the end."""
    path = folder / "ready"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(str(path))
        ready.setblocking(False)
        started = subprocess.Popen(  # noqa: ASYNC220 - a fork takes no time
            [sys.executable, "-m", "services.logs"],
            env={**settings, "NOTIFY_SOCKET": str(path), "RONDO_LOG_LEVEL": "ERROR"},
        )
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                assert await asyncio.get_running_loop().sock_recv(ready, 16) == b"READY=1"
            yield started
        finally:
            started.kill()
            started.wait()


async def test_the_service_killed_while_it_stores(
    settings: dict[str, str], nats: Nats, database: Database, tmp_path: Path
) -> None:
    """I5: a kill at any point, with chunks stored or not, purged or not."""
    draw = random.Random(4)
    printer = Printer(nats)
    expected: list[bytes] = []
    enough = asyncio.Event()

    async def print_on() -> None:
        while not enough.is_set():
            expected.extend(await printer.print(b"%d" % len(expected)))

    printing = asyncio.create_task(print_on())
    for _ in range(4):
        async with process(settings, tmp_path):
            goal = await stored(database) + draw.randint(1, 200)

            async def reached(goal: int = goal) -> bool:
                return await stored(database) >= goal

            await until(reached)
    enough.set()
    await printing
    async with running(settings) as logs:
        answer = await logs.get(f"{printer.run}/lines", expect=len(expected))
    assert (answer.headers["Rondo-Complete"], answer.lines) == ("true", expected)


async def stored(database: Database) -> int:
    return int(await database.fetchval("SELECT coalesce(sum(lines), 0) FROM chunk"))


async def test_sigterm_ends_it_with_0_and_a_broken_projection_with_1(
    settings: dict[str, str], nats: Nats, database: Database, tmp_path: Path
) -> None:
    async with process(settings, tmp_path) as service, client(settings):
        service.terminate()
        assert await asyncio.to_thread(service.wait, TIMEOUT_SECONDS) == 0
    async with process(settings, tmp_path) as service:
        await database.execute("ALTER TABLE chunk RENAME TO something_else")
        await Printer(nats).print(b"x")
        assert await asyncio.to_thread(service.wait, TIMEOUT_SECONDS) == 1
