"""Errors as people see them: a page where a page was asked for, JSON for programs."""

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from libs.domain.errors import Rejected, Unavailable
from libs.service.http import serving
from services.api.dashboard.error_pages import problems
from services.api.http.errors import errors
from tests.dashboard.people import signed_in
from tests.platform import Platform
from tests.servers import free_port

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def bug(_: web.Request) -> web.Response:
    raise RuntimeError("the password is hunter2")


async def away(_: web.Request) -> web.Response:
    raise Unavailable("postgres://secret@host")


async def refused(_: web.Request) -> web.Response:
    raise Rejected("conflict", "id: <b>twice</b>; choose another")


async def not_ready(_: web.Request) -> web.Response:
    return web.json_response({"status": "not ready"}, status=503)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    app = web.Application(middlewares=[problems, errors])
    for handler in (bug, away, refused, not_ready):
        app.router.add_get(f"/{handler.__name__}", handler)
        app.router.add_get(f"/v1/{handler.__name__}", handler)
    listen = f"127.0.0.1:{free_port()}"
    async with serving(app, listen), aiohttp.ClientSession(f"http://{listen}") as session:
        yield session


async def test_a_bug_has_an_id_that_is_in_the_log(
    session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async with session.get("/bug", headers=PAGE) as answer:
        text = await answer.text()
        assert (answer.status, answer.content_type) == (500, "text/html")
        assert "hunter2" not in text
        found = re.search(r"<code>([0-9a-f-]{36})</code>", text)
        assert found
        assert found[1] in caplog.text


async def test_what_is_away_may_come_back(session: aiohttp.ClientSession) -> None:
    async with session.get("/away", headers=PAGE) as answer:
        assert answer.status == 503
        assert "try again" in await answer.text()
        assert "secret" not in await answer.text()


async def test_a_refusal_says_what_to_do(session: aiohttp.ClientSession) -> None:
    async with session.get("/refused", headers=PAGE) as answer:
        assert answer.status == 409
        assert "&lt;b&gt;twice&lt;/b&gt;; choose another." in await answer.text()


async def test_programs_get_json(session: aiohttp.ClientSession) -> None:
    for path, headers in (("/refused", {"Accept": "application/json"}), ("/v1/refused", PAGE)):
        async with session.get(path, headers=headers) as answer:
            assert (await answer.json())["reason"] == "conflict"


async def test_health_is_left_as_it_is(session: aiohttp.ClientSession) -> None:
    async with session.get("/not_ready", headers=PAGE) as answer:
        assert await answer.json() == {"status": "not ready"}


async def test_in_the_frame_for_who_is_signed_in(platform: Platform) -> None:
    async with signed_in(platform) as person:
        answer = await person.ask("GET", "/tasks/none")
        assert answer.status == 404
        assert 'href="/timeline"' in answer.text
        answer = await person.ask("GET", "/nothing-there")
        assert answer.status == 404
        assert "There is no such page." in answer.text
