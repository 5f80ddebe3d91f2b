"""Devices: a code, a page on which somebody signs in, and a token for who asked."""

import re
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from libs.identity.bounds import FREE_FAILURES
from libs.identity.device import INTERVAL_SECONDS
from tests.api.service import PASSWORD, Answer, Service
from tests.api.world import new_user
from tests.platform import until

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
START = "/auth/realms/master/protocol/openid-connect/auth/device"
PAGE = "/auth/realms/master/device"


async def start(service: Service) -> dict[str, Any]:
    answer = await service.call("POST", START, data={"client_id": "sdk-client"})
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body
    return found


async def poll(service: Service, codes: dict[str, Any]) -> Answer:
    return await service.grant(grant_type=GRANT, device_code=codes["device_code"])


class Browser:
    """Somebody's, on the page of a device."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url
        self.csrf = ""

    async def open(self) -> str:
        async with self.session.get(self.url) as page:
            text = await page.text()
            assert page.status == 200
            assert "script" not in text
            assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        found = re.search(r'name="csrf" value="([^"]+)"', text)
        assert found is not None
        self.csrf = found[1]
        return text

    async def send(self, code: str, email: str, password: str = PASSWORD) -> tuple[int, str]:
        form = {"csrf": self.csrf, "user_code": code, "username": email, "password": password}
        async with self.session.post(self.url.partition("?")[0], data=form) as page:
            return page.status, await page.text()


@pytest.fixture
async def email(service: Service) -> str:
    email = f"{uuid4()}@example.org"
    await new_user(service, email)
    return email


async def test_somebody_signs_in_for_a_device(service: Service, email: str) -> None:
    codes = await start(service)
    assert codes["interval"] == INTERVAL_SECONDS
    assert codes["verification_uri_complete"].startswith(f"{service.url}/auth/")
    waiting = await poll(service, codes)
    assert (waiting.status, waiting.body["error"]) == (400, "authorization_pending")
    assert (await poll(service, codes)).body["error"] == "slow_down"
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        browser = Browser(session, codes["verification_uri_complete"])
        assert codes["user_code"] in await browser.open()
        assert (await browser.send(codes["user_code"], email, "wrong"))[0] == 401
        assert (await poll(service, codes)).status == 400
        status, text = await browser.send(codes["user_code"].lower().replace("-", ""), email)
        assert (status, email in text) == (200, True)
    pair = await poll(service, codes)
    assert pair.status == 200
    told = await service.post("users/whoami", {}, pair.body["access_token"])
    assert told.body["email"] == email
    assert (await poll(service, codes)).body["error"] == "expired_token"


async def test_no_other_site_can_send_the_form(service: Service, email: str) -> None:
    codes = await start(service)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        browser = Browser(session, codes["verification_uri_complete"])
        assert (await browser.send(codes["user_code"], email))[0] == 403
        await browser.open()
        browser.csrf = "made up"
        assert (await browser.send(codes["user_code"], email))[0] == 403
    assert (await poll(service, codes)).body["error"] == "authorization_pending"


async def test_what_is_in_the_address_is_text(service: Service) -> None:
    page = await service.call("GET", PAGE, params={"user_code": '"><b>'})
    assert "<b>" not in page.body


async def test_who_guesses_codes_has_to_wait(service: Service, email: str) -> None:
    """All of an address do, until one of them has a right one."""
    codes = await start(service)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        browser = Browser(session, service.url + PAGE)
        await browser.open()
        for _ in range(FREE_FAILURES):
            assert (await browser.send("BBBB-BBBB", email))[0] == 400
        assert (await browser.send("BBBB-BBBB", email))[0] == 429

        async def let_in() -> bool:
            return (await browser.send(codes["user_code"], email))[0] == 200

        await until(let_in, "the end of the wait")
        assert (await browser.send("BBBB-BBBB", email))[0] == 400


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"client_id": "another"}, 401, "invalid_client"),
    ],
)
async def test_devices_that_are_none(
    service: Service, fields: dict[str, str], status: int, error: str
) -> None:
    answer = await service.call("POST", START, data={"x": "y", **fields})
    assert (answer.status, answer.body["error"]) == (status, error)
    unknown = await service.grant(grant_type=GRANT, device_code="made up")
    assert (unknown.status, unknown.body["error"]) == (400, "expired_token")
