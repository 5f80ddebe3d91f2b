"""History and then what comes, as one stream: no gap, nothing twice, and an end."""

import asyncio
from contextlib import AsyncExitStack
from uuid import uuid4

import aiohttp
import pytest

from libs.domain.events import TaskKilled
from libs.eventlog.follow import Delivery
from libs.eventlog.nats_client import Message, Nats
from libs.postgres import pool
from libs.postgres.pool import Database
from libs.service.config import Secret
from libs.service.http import serving
from services.logs.app import create
from services.logs.arrivals import Arrivals
from services.logs.ingest import SCHEMA, Ingest
from services.logs.read import Reader
from tests.logs.harness import INTERNAL, TIMEOUT_SECONDS, Logs, Printer, running
from tests.servers import free_port


async def read(content: aiohttp.StreamReader, count: int) -> list[bytes]:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        return [(await content.readline()).rstrip(b"\n") for _ in range(count)]


@pytest.mark.parametrize("before", [0, 1, 40])
async def test_from_before_in_the_middle_of_and_after_the_output(
    logs: Logs, nats: Nats, before: int
) -> None:
    printer = Printer(nats)
    requested = await printer.request()
    expected = [line for n in range(before) for line in await printer.print(b"%d" % n)]
    await logs.lines(printer.run, expect=before)
    async with logs.follow(printer.run) as content:
        expected += await printer.print(b"then", b"more")
        assert await read(content, len(expected)) == expected
        late = await printer.print(b"last")
        await printer.finish(requested, len(expected) + 1)
        assert (await content.read()).split(b"\n")[:-1] == late
    async with logs.follow(printer.run, first=before) as content:
        assert (await content.read()).split(b"\n")[:-1] == expected[before:] + late


async def test_output_of_many_runs_at_once(logs: Logs, nats: Nats) -> None:
    """Followers are woken while chunks are written: none may be missed or given twice."""

    async def one() -> None:
        printer = Printer(nats)
        async with logs.follow(printer.run) as content:
            requested = await printer.request()
            expected = [line for n in range(20) for line in await printer.print(b"%d" % n)]
            await printer.finish(requested, 20)
            assert (await content.read()).split(b"\n")[:-1] == expected

    async with asyncio.timeout(TIMEOUT_SECONDS):
        await asyncio.gather(*(one() for _ in range(20)))


async def test_the_end_of_a_run_whose_number_of_lines_nobody_knows(logs: Logs, nats: Nats) -> None:
    printer = Printer(nats)
    requested = await printer.request()
    expected = await printer.print(b"one", b"two")
    await printer.finish(requested, None)
    async with logs.follow(printer.run) as content:
        assert (await content.read()).split(b"\n")[:-1] == expected


async def test_the_end_of_a_run_whose_log_was_forgotten(logs: Logs, nats: Nats) -> None:
    """I7: it has fewer lines than it says, and a reader is not kept waiting for them."""
    printer = Printer(nats)
    requested = await printer.request()
    await printer.print(b"one")
    await printer.finish(requested, 1)
    await printer.task_event(TaskKilled())
    other = Printer(nats)
    await other.finish(await other.request(), 0)
    for run in (other.run, printer.run):
        async with logs.follow(run) as content, asyncio.timeout(TIMEOUT_SECONDS):
            assert await content.read() == b""


async def test_two_copies_of_the_service_give_the_same(
    logs: Logs, nats: Nats, settings: dict[str, str]
) -> None:
    printer = Printer(nats)
    elsewhere = {**settings, "RONDO_LISTEN": f"127.0.0.1:{free_port()}"}
    async with running(elsewhere) as other:
        requested = await printer.request()
        async with logs.follow(printer.run) as here, other.follow(printer.run) as there:
            expected = [line for n in range(50) for line in await printer.print(b"%d" % n)]
            await printer.finish(requested, 50)
            assert (await here.read()).split(b"\n")[:-1] == expected
            assert (await there.read()).split(b"\n")[:-1] == expected


async def test_an_answer_that_breaks_off_does_not_look_whole(database: Database, dsn: str) -> None:
    arrivals, listen = Arrivals(), f"127.0.0.1:{free_port()}"
    headers = {"Authorization": f"Bearer {INTERNAL}"}

    async def settled() -> None:
        """Nothing is under way."""

    async with AsyncExitStack() as stack:
        rows = await stack.enter_async_context(pool.connect(dsn, SCHEMA))
        app = create(Reader(rows, arrivals, settled), Secret(INTERNAL))
        async with serving(app, listen), aiohttp.ClientSession(headers=headers) as session:
            logs, run = Logs(session, f"http://{listen}"), uuid4()
            async with logs.follow(run) as content:
                await stack.aclose()  # from here on the rows can't be reached
                arrivals.announce([str(run)])
                with pytest.raises(aiohttp.ClientPayloadError):
                    await content.read()
            answer = await logs.get(f"{run}/lines")
            assert (answer.status, b'"code": "unavailable"' in answer.text) == (503, True)


def test_whoever_waits_is_woken_when_another_copy_was_faster() -> None:
    """A hole in the sequence hides messages of any run."""
    arrivals = Arrivals()
    ingest = Ingest(arrivals)
    with arrivals.watch("mine") as woken:
        ingest.applied([delivery(1, "other")])
        ingest.applied([delivery(2, "other"), delivery(3, "other")])
        woken.clear()
        ingest.applied([delivery(4, "other")])
        assert not woken.is_set()
        ingest.applied([delivery(6, "other")])
        assert woken.is_set()


def delivery(seq: int, run: str) -> Delivery:
    return Delivery(seq, seq, 1, Message(f"log.1.{run}", b"", b""))
