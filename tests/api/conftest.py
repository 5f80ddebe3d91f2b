"""One service for all tests that only talk to it; each makes workspaces of its own."""

import asyncio
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from tests.api.callers import MEMBER, OUTSIDER, log, member, outsider, world
from tests.api.service import Service, running
from tests.api.world import new_user
from tests.servers import PostgresServer, nats_server

__all__ = ["log", "member", "outsider", "people", "service", "world"]


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
