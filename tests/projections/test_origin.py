"""Rows of one stream are never taken for rows of another."""

from collections.abc import AsyncIterator

import pytest

from libs.domain.events import WorkspaceCreated
from libs.domain.ids import workspace_stream
from libs.eventlog import streams
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.nats_client import Nats
from libs.eventlog.stream_identity import OtherStream, StreamIdentity
from libs.postgres import pool
from libs.postgres.pool import Database

HERE = Context(source="test", actor="test")


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    async with pool.connect(dsn, "rows_v1") as found:
        await found.execute("CREATE SCHEMA rows_v1")
        await found.execute("CREATE TABLE checkpoint (name text PRIMARY KEY, seq bigint NOT NULL)")
        yield found


def origin(database: Database, nats: Nats, *, derived: bool = True) -> StreamIdentity:
    return StreamIdentity(database, nats, streams.EVENTS, ("names",), derived=derived)


async def append(log: EventLog, number: int) -> int:
    event = WorkspaceCreated(name="w", owner="me")
    return await log.append(Proposed(workspace_stream(number), 0, event), HERE)


async def test_the_same_stream_is_fine_again_and_again(
    nats: Nats, log: EventLog, database: Database
) -> None:
    for number in (1, 2):
        seq = await append(log, number)
        await database.execute(
            "INSERT INTO checkpoint VALUES ('names', $1) ON CONFLICT (name) DO UPDATE SET seq = $1",
            seq,
        )
        await origin(database, nats).check()


async def test_a_stream_made_anew_is_noticed_though_it_has_grown_past_the_checkpoint(
    nats: Nats, log: EventLog, database: Database
) -> None:
    await append(log, 1)
    await database.execute("INSERT INTO checkpoint VALUES ('names', 1)")
    await origin(database, nats).check()
    await nats.api("STREAM.DELETE.EVENTS")
    await streams.create(nats)
    for number in (1, 2, 3):
        await append(log, number)
    with pytest.raises(OtherStream, match="DROP SCHEMA rows_v1 CASCADE"):
        await origin(database, nats).check()
    await database.execute("DROP SCHEMA rows_v1 CASCADE")  # the remedy, as it is given
    await database.execute("CREATE SCHEMA rows_v1")
    await database.execute("CREATE TABLE checkpoint (name text PRIMARY KEY, seq bigint NOT NULL)")
    await origin(database, nats).check()


async def test_a_stream_that_ends_before_the_checkpoint_is_noticed_the_first_time(
    nats: Nats, database: Database
) -> None:
    await database.execute("INSERT INTO checkpoint VALUES ('names', 7)")
    with pytest.raises(OtherStream, match=r"ends at 0, but .* stand at 7"):
        await origin(database, nats).check()


async def test_rows_that_can_not_be_built_again_are_not_to_be_dropped(
    nats: Nats, database: Database
) -> None:
    await database.execute("INSERT INTO checkpoint VALUES ('names', 7)")
    with pytest.raises(OtherStream) as caught:
        await origin(database, nats, derived=False).check()
    remedy = str(caught.value).rpartition(": ")[2]
    for statement in remedy.split("; "):
        await database.execute(statement)
    await origin(database, nats, derived=False).check()
