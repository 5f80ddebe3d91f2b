"""Servers once a run; a fresh database, and emptied streams, for each test that asks."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from libs.eventlog import streams
from libs.eventlog.log import EventLog
from libs.eventlog.nats_client import Nats, connect
from tests.servers import TOKEN, NatsServer, PostgresServer, nats_server, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
async def dsn(postgres: PostgresServer) -> str:
    return await postgres.new_database(f"test_{uuid4().hex}")


@pytest.fixture
def nats_process() -> Iterator[NatsServer]:
    """A server of the test's own: it starts in 20 ms, so none is shared."""
    with nats_server() as server:
        yield server


@pytest.fixture
async def nats(nats_process: NatsServer) -> AsyncIterator[Nats]:
    async with connect(nats_process.url, TOKEN) as connection:
        await streams.create(connection)
        yield connection


@pytest.fixture
def log(nats: Nats) -> EventLog:
    return EventLog(nats)
