"""The API service with subscriptions open to this machine's own addresses, and a receiver."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from libs.eventlog.log import EventLog
from libs.eventlog.nats_client import Nats
from tests.api.callers import MEMBER, OUTSIDER, log, member, outsider, world
from tests.api.service import Service, running
from tests.api.world import World, new_user
from tests.servers import ISSUER, NatsServer, PostgresServer, nats_server
from tests.subscriptions.receiver import Receiver

__all__ = ["log", "member", "outsider", "people", "receiver", "server", "service", "world"]


def settings(server: NatsServer, folder: Path) -> dict[str, str]:
    """Of a service whose webhooks may go to this machine, and whose NATS lets subscribers in."""
    (folder / "issuer").write_text(ISSUER)
    return {
        "RONDO_NATS_ISSUER_FILE": str(folder / "issuer"),
        "RONDO_NATS_PUBLIC_URL": server.url,
        "RONDO_WEBHOOKS_ALLOW": "127.0.0.0/8",
        "RONDO_WEBHOOKS_TIMEOUT": "20",
        "RONDO_WEBHOOKS_FIRST_PAUSE": "0.1",
    }


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, server: NatsServer
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("subscriptions")
    dsn = asyncio.run(postgres.new_database(f"subscriptions_{uuid4().hex}"))
    impatient = {"RONDO_WEBHOOKS_GIVE_UP": "1.5"}
    with running(folder, server.url, dsn, settings(server, folder) | impatient) as service:
        yield service


@pytest.fixture
async def patient(
    tmp_path: Path, nats_process: NatsServer, nats: Nats, dsn: str
) -> AsyncIterator[World]:
    """The administrator's, of a service that gives no webhook up: it holds up what comes after."""
    with running(tmp_path, nats_process.url, dsn, settings(nats_process, tmp_path)) as service:
        yield World(service, EventLog(nats), await service.login())


@pytest.fixture(scope="module")
def people(service: Service) -> dict[str, UUID]:
    """Two users that are no administrators."""
    return {name: asyncio.run(new_user(service, name)) for name in (MEMBER, OUTSIDER)}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().serving() as receiver:
        yield receiver
