"""Who talks to a service, by fixtures: needs `service` and, for those who are no administrators,
`people`."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from libs.eventlog.log import EventLog
from libs.eventlog.nats_client import connect
from tests.api.service import Service
from tests.api.world import World
from tests.servers import TOKEN

MEMBER, OUTSIDER = "member@example.org", "outsider@example.org"


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
