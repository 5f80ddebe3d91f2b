"""The page of a run that nobody has begun yet: it is queued, and goes on when the run begins."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from html import unescape
from uuid import UUID, uuid4

import aiohttp
import pytest

from libs.domain.events import RunRequested, RunStarted
from libs.domain.ids import run_stream
from tests.api.service import ADMIN, PASSWORD, Service
from tests.api.world import World
from tests.dashboard.people import Person
from tests.platform import PATIENCE


@pytest.fixture
async def person(service: Service) -> AsyncIterator[Person]:
    """The administrator at a browser."""
    jar = aiohttp.CookieJar(unsafe=True)  # it is served at an address, not a name
    headers = {"Accept": "text/html"}
    async with aiohttp.ClientSession(service.url, headers=headers, cookie_jar=jar) as session:
        person = Person(session)
        assert (await person.sign_in(ADMIN, PASSWORD)).status == 303
        yield person


async def queued(world: World) -> tuple[int, UUID]:
    """Its workspace, and a run that no executor has a place for."""
    workspace, task = await world.ready_task()
    run = uuid4()
    asked = RunRequested(task=task, scheduled_at=datetime.now(UTC))
    await world.append(run_stream(workspace, run), asked)
    await world.service.caught_up()
    return workspace, run


def marked(page: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]+)"', page)
    assert found, f"the page has no {name}"
    return unescape(found[1])


def badge(page: str) -> str:
    found = re.search(r'<span class="badge[^>]*>([^<]*)<', page)
    return found[1] if found else ""


async def test_a_queued_run_has_a_page_that_goes_on(world: World, person: Person) -> None:
    workspace, run = await queued(world)
    shown = await person.ask("GET", f"/runs/{run}")
    assert (shown.status, badge(shown.text)) == (200, "Queued")
    assert "RunRequested" in shown.text
    assert "RunStarted" not in shown.text
    stream = {"Accept": "text/event-stream"}
    async with asyncio.timeout(PATIENCE):
        async with person.session.get(marked(shown.text, "data-live"), headers=stream) as live:
            assert live.status == 200
            await world.append(run_stream(workspace, run), RunStarted(executor="test"))
            while b"event: changed" not in await live.content.readline():
                pass
    await world.service.caught_up()
    shown = await person.ask("GET", f"/runs/{run}")
    assert badge(shown.text) == "Running"


async def test_its_log_is_listened_to_before_there_is_any(world: World, person: Person) -> None:
    _, run = await queued(world)
    shown = await person.ask("GET", f"/runs/{run}")
    logs = world.service.logs
    logs.texts[str(run)] = [b"2026-01-02T03:04:05.678Z stdout F hello\n"], False
    logs.waits.add(str(run))
    address = marked(shown.text, "data-follow")
    async with asyncio.timeout(PATIENCE), person.session.get(address) as log:
        assert (log.status, await log.content.readline()) == (200, b"id: 1\n")
        assert b"hello" in await log.content.readline()


async def test_programs_are_told_of_it_when_it_begins(world: World) -> None:
    _, run = await queued(world)
    answer = await world.service.post(
        "/v1/api/task/get_logs_for_run", {"id": str(run)}, world.token
    )
    assert answer.status == 404


async def test_nobody_else_sees_it(world: World, outsider: World) -> None:
    """I8"""
    _, run = await queued(world)
    path = f"/v1/api/history/run/{run}"
    assert (await world.service.call("GET", path, world.token)).status == 200
    assert (await world.service.call("GET", path, outsider.token)).status == 403
