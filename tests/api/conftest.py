"""One service for all tests that only talk to it; each makes workspaces of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import pytest

from libs.eventlog.log import EventLog
from libs.eventlog.wire import connect
from tests.api.service import Service, running
from tests.api.world import World, new_user
from tests.servers import TOKEN, PostgresServer, nats_server

MEMBER, OUTSIDER = "member@example.org", "outsider@example.org"


@pytest.fixture(scope="session")
def service(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("api")
    dsn = asyncio.run(postgres.new_database(f"api_{uuid4().hex}"))
    with nats_server() as nats, running(folder, nats.url, dsn) as service:
        yield service


@pytest.fixture(scope="session")
def people(service: Service) -> dict[str, UUID]:
    """Two users that are no administrators."""
    return {name: asyncio.run(new_user(service, name)) for name in (MEMBER, OUTSIDER)}


@pytest.fixture
async def log(service: Service) -> AsyncIterator[EventLog]:
    async with connect(service.nats_url, TOKEN) as nats:
        yield EventLog(nats)


@pytest.fixture
async def world(service: Service, log: EventLog) -> World:
    """The administrator's."""
    return World(service, log, await service.login())


@pytest.fixture
async def member(service: Service, log: EventLog, people: dict[str, UUID]) -> World:
    return World(service, log, await service.login(MEMBER))


@pytest.fixture
async def outsider(service: Service, log: EventLog, people: dict[str, UUID]) -> World:
    return World(service, log, await service.login(OUTSIDER))
