"""Logs are dropped by the day, and days are there before they are needed."""

from datetime import UTC, date, datetime, timedelta

import aiohttp
import pytest

from libs.eventlog.nats_client import Nats
from libs.postgres.pool import Database
from services.logs.retention import Retention
from tests.logs.harness import Logs, Printer

NOON = datetime(2023, 11, 30, 12, tzinfo=UTC)


async def days(database: Database) -> list[str]:
    rows = await database.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
        " WHERE inhparent = 'chunk'::regclass ORDER BY name"
    )
    return [row["name"] for row in rows]


async def test_days_are_made_ahead_and_dropped_when_old(database: Database) -> None:
    retention = Retention(database, days=2)
    ahead = ["chunk_20231130", "chunk_20231201", "chunk_20231202"]
    assert await retention.tick(NOON) == []
    assert await retention.tick(NOON) == []
    assert await days(database) == ahead
    assert await retention.tick(NOON + timedelta(days=2)) == []
    assert await retention.tick(NOON + timedelta(days=3)) == [date(2023, 11, 30)]
    assert await retention.tick(NOON + timedelta(days=60)) == [
        date(2023, 12, day) for day in range(1, 6)
    ]


async def test_old_lines_are_gone_and_the_rest_says_so(
    logs: Logs, nats: Nats, database: Database
) -> None:
    """I5: a log that lost its beginning is not called complete."""
    printer = Printer(nats)
    for day in range(3):
        at = int(datetime(2023, 11, 28 + day, 23, 59, tzinfo=UTC).timestamp() * 1e9)
        for chunk in printer.cut(b"day %d" % day, at=at):
            await printer.publish(chunk)
    assert len(await logs.lines(printer.run, expect=3)) == 3
    assert date(2023, 11, 28) in await Retention(database, days=1).tick(NOON)
    answer = await logs.get(f"{printer.run}/lines")
    texts = [line.rpartition(b" F ")[2] for line in answer.lines]
    assert (answer.headers["Rondo-Lines"], texts) == ("2", [b"day 1", b"day 2"])
    assert await logs.lines(printer.run, last=1) == answer.lines[1:]


async def test_lines_keep_their_numbers_when_those_before_are_gone(
    logs: Logs, nats: Nats, database: Database
) -> None:
    """Whoever follows a run that goes on learns with which line an answer begins, and is cut off
    rather than given one for another."""
    printer = Printer(nats)
    requested = await printer.request()
    for day in range(3):
        at = int(datetime(2023, 11, 28 + day, 23, 59, tzinfo=UTC).timestamp() * 1e9)
        for chunk in printer.cut(b"day %d" % day, b"and more", at=at):
            await printer.publish(chunk)
    assert len(await logs.lines(printer.run, expect=6)) == 6
    await Retention(database, days=1).tick(NOON)
    for start, first in ((0, 2), (2, 2), (3, 3), (6, 6), (9, 9)):
        url = f"{logs.url}/runs/{printer.run}/follow"
        async with logs.session.get(url, params={"from": start}) as answer:
            assert answer.headers["Rondo-First"] == str(first)
            if first < 6:
                line = await answer.content.readline()
                assert line.rstrip().endswith(b"and more" if first % 2 else b"day 1")
    part = await logs.get(f"{printer.run}/lines", **{"from": 0, "count": 4})
    assert len(part.lines) == 2
    headers = {name: part.headers[f"Rondo-{name}"] for name in ("First", "Lines", "End")}
    assert headers == {"First": "2", "Lines": "4", "End": "6"}
    await printer.finish(requested, 6)
    async with logs.follow(printer.run, first=4) as content:
        assert len((await content.read()).split(b"\n")[:-1]) == 2


async def test_who_follows_is_cut_off_where_lines_are_gone(logs: Logs, nats: Nats) -> None:
    """The first chunk comes to nobody: it is not there yet, and will not be."""
    printer = Printer(nats)
    printer.cut(b"one", b"two")
    async with logs.follow(printer.run) as content:
        await printer.print(b"three")
        with pytest.raises(aiohttp.ClientPayloadError):
            await content.read()
    async with logs.follow(printer.run) as content:
        assert (await content.readline()).endswith(b"three\n")


async def test_chunks_are_kept_out_of_line_as_they_are(database: Database) -> None:
    """They are compressed already; the partitions inherit that Postgres must not try."""
    await Retention(database, days=2).tick(NOON)
    storage = await database.fetchval(
        "SELECT attstorage FROM pg_attribute"
        " WHERE attrelid = 'chunk_20231130'::regclass AND attname = 'data'"
    )
    assert storage == b"e"
