"""A running copy of the service, and its rows seen from outside."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.eventlog.nats_client import Nats
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.postgres.pool import Database
from services.logs.ingest import SCHEMA
from tests.logs.harness import Logs, environ, running
from tests.servers import NatsServer


@pytest.fixture
def settings(tmp_path: Path, nats: Nats, nats_process: NatsServer, dsn: str) -> dict[str, str]:
    return environ(tmp_path, nats_process.url, dsn)


@pytest.fixture
async def logs(settings: dict[str, str]) -> AsyncIterator[Logs]:
    async with running(settings) as service:
        yield service


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """The service's tables, made if no copy has made them yet."""
    async with pool.connect(dsn, SCHEMA) as connected:
        await migrate(connected, "services.logs")
        yield connected
