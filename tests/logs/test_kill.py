"""I7: after a kill a task's logs are gone, whichever comes first, the kill or the last chunks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from libs.domain.events import TaskEvent, TaskKilled, encode
from libs.domain.ids import task_stream
from libs.eventlog.envelope import Context, from_headers, to_headers
from libs.eventlog.follow import Delivery
from libs.eventlog.nats_client import Message, Nats
from libs.postgres.pool import Database
from libs.runlog import message
from services.logs import app
from services.logs.arrivals import Arrivals
from services.logs.ingest import Ingest
from services.logs.runs import RunsProjection
from tests.eventlog.blocks import block
from tests.logs.harness import TIMEOUT_SECONDS, WORKSPACE, Logs, Printer, until

WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)

Transaction = Callable[[Database, Printer], AbstractAsyncContextManager[None]]


async def kill(logs: Logs, nats: Nats, printer: Printer, event: TaskEvent) -> None:
    """Returns once the service has seen it: it knows the end of a run that ended later."""
    await printer.task_event(event)
    later = Printer(nats)
    await later.finish(await later.request(), 0)
    async with logs.follow(later.run) as content, asyncio.timeout(TIMEOUT_SECONDS):
        await content.read()


async def test_chunks_before_and_after_the_kill(logs: Logs, nats: Nats) -> None:
    killed, other = Printer(nats), Printer(nats)
    again = Printer(nats, task=killed.task)
    await killed.print(b"one")
    await again.print(b"one")
    lines = await other.print(b"one")
    await logs.lines(other.run, expect=1)
    await kill(logs, nats, killed, TaskKilled())
    assert await logs.lines(killed.run) == await logs.lines(again.run) == []
    await killed.print(b"late")
    lines += await other.print(b"two")
    assert await logs.lines(other.run, expect=2) == lines
    assert await logs.lines(killed.run) == []


async def test_keep_logs_keeps_them(logs: Logs, nats: Nats) -> None:
    printer = Printer(nats)
    lines = await printer.print(b"one")
    await logs.lines(printer.run, expect=1)
    await kill(logs, nats, printer, TaskKilled(keep_logs=True))
    lines += await printer.print(b"late")
    assert await logs.lines(printer.run, expect=2) == lines


async def test_nobody_waits_for_lines_that_are_gone(
    logs: Logs, nats: Nats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "EXPECT_TIMEOUT_SECONDS", 3600.0)  # for lines that may come
    printer = Printer(nats)
    await printer.request()
    await kill(logs, nats, printer, TaskKilled())
    async with asyncio.timeout(TIMEOUT_SECONDS):
        answer = await logs.get(f"{printer.run}/lines", expect=3)
    assert (answer.headers["Rondo-Complete"], answer.text) == ("false", b"")


@asynccontextmanager
async def storing(database: Database, printer: Printer) -> AsyncIterator[None]:
    """A chunk of the task is stored, and not committed while the block lasts."""
    (chunk,) = printer.cut(b"x")
    chunk_headers, body = message.pack(chunk, printer.task)
    subject = message.subject(WORKSPACE, printer.run)
    async with database.transaction() as connection:
        delivery = Delivery(1, 1, 1, Message(subject, block(chunk_headers), body))
        await Ingest(Arrivals()).apply(connection, [delivery])
        yield


@asynccontextmanager
async def killing(database: Database, printer: Printer) -> AsyncIterator[None]:
    """The kill of the task is applied, and not committed while the block lasts."""
    stream, context = task_stream(WORKSPACE, printer.task), Context(source="x", actor="x")
    headers = to_headers(stream, TaskKilled(), context)
    fact = from_headers(1, stream.subject, headers, encode(TaskKilled()))
    async with database.transaction() as connection:
        await RunsProjection(Arrivals()).apply(connection, [fact])
        yield


@pytest.mark.parametrize(("first", "second"), [(storing, killing), (killing, storing)])
async def test_two_copies_that_store_and_kill_at_once(
    nats: Nats, database: Database, first: Transaction, second: Transaction
) -> None:
    printer = Printer(nats)
    async with storing(database, Printer(nats)):
        """Makes the day's partition: making it would keep the two apart as well."""

    async def then() -> None:
        async with second(database, printer):
            pass

    async def waits() -> bool:
        """In this database: others of the server are other tests'."""
        return bool(await database.fetchval(WAITING))

    async with first(database, printer):
        other = asyncio.create_task(then())
        await until(waits)
    await other
    left = "SELECT count(*) FROM chunk WHERE task_id = $1"
    assert await database.fetchval(left, printer.task) == 0
