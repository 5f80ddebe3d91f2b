"""Servers once a worker; a fresh database, and emptied streams, for each test that asks.

A worker is given a file at a time, or a group of files that share a costly platform. What takes
longest comes first, so that no worker is left with it at the end.
"""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from libs.eventlog import streams
from libs.eventlog.log import EventLog
from libs.eventlog.nats_client import Nats, connect
from tests.servers import TOKEN, NatsServer, PostgresServer, nats_server, postgres_server

# Files of one group share the platform of their folder, which is then started once.
GROUPS = {
    "tests/system": ("kill", "main_py", "policies", "requirements", "start", "tutorial"),
    "tests/dashboard": ("barriers", "timeline", "run", "task", "workload", "workloads", "live"),
}
LONGEST_FIRST = [
    *("tests/system", "tests/chaos", "tests/dashboard", "tests/subscriptions", "tests/operations"),
    *("tests/sdk", "tests/supervisor", "tests/packager", "tests/events", "tests/contracts"),
    *("tests/executor", "tests/logs", "tests/scheduler"),
]


def pytest_itemcollected(item: pytest.Item) -> None:
    folder, _, file = item.nodeid.partition("::")[0].rpartition("/")
    shared = file.removeprefix("test_").removesuffix(".py") in GROUPS.get(folder, ())
    item.add_marker(pytest.mark.xdist_group(folder if shared else f"{folder}/{file}"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {folder: rank for rank, folder in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.nodeid.partition("/test_")[0], len(ranks)))


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
