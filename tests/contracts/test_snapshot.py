"""A stream saved to a file and loaded into another server is the same stream."""

from pathlib import Path
from typing import Any

import pytest

from libs.domain.events import WorkspaceCreated
from libs.domain.ids import workspace_stream
from libs.eventlog import snapshot, streams
from libs.eventlog.envelope import Context, Recorded
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.nats_client import ApiError, Message, Nats, connect
from tests.servers import TOKEN, nats_server

HERE = Context(source="test", actor="test")
MANY = 3000


async def fill(log: EventLog, first: int, count: int) -> None:
    for at in range(first, first + count, 500):
        batch = [
            (Proposed(workspace_stream(n), 0, WorkspaceCreated(name="n" * 200, owner="me")), HERE)
            for n in range(at, min(at + 500, first + count))
        ]
        await log.append_batch(batch)


async def everything(nats: Nats) -> list[Recorded]:
    found: list[Recorded] = []
    log = EventLog(nats)
    end = await log.end()
    async for batch in log.follow(0):
        found += batch
        if found[-1].seq >= end:
            return found
    raise AssertionError("follow ended")


async def test_it_has_the_same_events_at_the_same_places_and_goes_on(
    nats: Nats, log: EventLog, tmp_path: Path
) -> None:
    await fill(log, 1, MANY)
    assert await snapshot.save(nats, streams.EVENTS, tmp_path / "events") == MANY
    with nats_server() as other:
        async with connect(other.url, TOKEN) as there:
            await snapshot.load(there, streams.EVENTS, tmp_path / "events")
            await streams.create(there)
            assert await everything(there) == await everything(nats)
            await fill(EventLog(there), MANY + 1, 1)
            assert await EventLog(there).end() == MANY + 1


async def test_a_restore_that_the_server_breaks_off_is_tried_again(
    nats: Nats, log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It did so once, under load; here its answer is made up, the rest of it is real."""
    await fill(log, 1, MANY)
    await snapshot.save(nats, streams.EVENTS, tmp_path / "events")
    broken = Message(
        "", b"", b'{"error":{"code":500,"description":"io: write on closed pipe"}}', ""
    )
    breaks = iter([True])
    with nats_server() as other:
        async with connect(other.url, TOKEN) as there:
            ask = there.request

            async def request(subject: str, data: bytes = b"", **more: Any) -> Message:
                answer = await ask(subject, data, **more)
                restoring = not subject.startswith("$JS.API")
                return broken if restoring and next(breaks, False) else answer

            monkeypatch.setattr(there, "request", request)
            await snapshot.load(there, streams.EVENTS, tmp_path / "events")
            assert next(breaks, None) is None
            assert await everything(there) == await everything(nats)


async def test_an_empty_stream_too(nats: Nats, tmp_path: Path) -> None:
    assert await snapshot.save(nats, streams.LOGS, tmp_path / "logs") == 0
    with nats_server() as other:
        async with connect(other.url, TOKEN) as there:
            await snapshot.load(there, streams.LOGS, tmp_path / "logs")
            assert await streams.last_seq(there, streams.LOGS) == 0


async def test_a_stream_that_exists_is_not_overwritten(
    nats: Nats, log: EventLog, tmp_path: Path
) -> None:
    await fill(log, 1, 1)
    await snapshot.save(nats, streams.EVENTS, tmp_path / "events")
    with pytest.raises(ApiError):
        await snapshot.load(nats, streams.EVENTS, tmp_path / "events")


async def test_a_damaged_file_is_refused(nats: Nats, log: EventLog, tmp_path: Path) -> None:
    await fill(log, 1, MANY)
    file = tmp_path / "events"
    await snapshot.save(nats, streams.EVENTS, file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with nats_server() as other:
        async with connect(other.url, TOKEN) as there:
            with pytest.raises(ApiError):
                await snapshot.load(there, streams.EVENTS, file)
