"""Signing in at another issuer: there and back, and what may go wrong on the way."""

import asyncio
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web

from libs.identity.signatures import SigningKeys
from libs.service.http import serving
from tests.api.service import Service, new_key, running
from tests.servers import PostgresServer, free_port, nats_server

EMAIL = "ada@elsewhere.example"
SUBJECT = str(uuid4())
PORT = free_port()
RING = SigningKeys(new_key())  # one, since the service looks for new keys once a minute


@dataclass
class Issuer:
    """One that lets everybody in. `challenges` are those that codes were given for."""

    port: int
    ring: SigningKeys
    challenges: dict[str, str] = field(default_factory=dict)
    says: dict[str, Any] = field(default_factory=dict)  # in its document, in place of the truth

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self.document)
        app.router.add_get("/keys", self.keys)
        app.router.add_post("/token", self.token)
        return app

    async def document(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
            }
            | self.says
        )

    async def keys(self, _: web.Request) -> web.Response:
        return web.json_response(self.ring.public())

    def let_in(self, address: str) -> str:
        """What the browser comes back to, once its user has signed in at `address`."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = str(uuid4())
        self.challenges[code] = asked["code_challenge"]
        return f"{asked['redirect_uri']}?code={code}&state={asked['state']}"

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        proof = urlsafe_b64encode(sha256(str(form["code_verifier"]).encode()).digest())
        if self.challenges.pop(str(form["code"]), "") != proof.rstrip(b"=").decode():
            return web.json_response({"error": "invalid_grant"}, status=400)
        claims: dict[str, Any] = {
            "iss": self.url,
            "sub": SUBJECT,
            "azp": str(form["client_id"]),
            "exp": time.time() + 60,
            "email": EMAIL,
        }
        return web.json_response({"access_token": self.ring.sign(claims)})


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer(PORT, RING)
    async with serving(issuer.application(), f"127.0.0.1:{PORT}"):
        yield issuer


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("api")
    with ThreadPoolExecutor(1) as threads:  # this thread's loop may be the browser's
        name = f"api_{uuid4().hex}"
        dsn = threads.submit(asyncio.run, postgres.new_database(name)).result()
    settings = {
        "RONDO_OIDC_ISSUER": f"http://127.0.0.1:{PORT}",
        "RONDO_OIDC_AUDIENCE": "rondo",
    }
    with nats_server() as nats, running(folder, nats.url, dsn, settings) as service:
        yield service


@pytest.fixture
async def browser(service: Service) -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)  # it is served at an address, not a name
    headers = {"Accept": "text/html"}
    async with aiohttp.ClientSession(service.url, cookie_jar=jar, headers=headers) as session:
        yield session


async def location(browser: aiohttp.ClientSession, path: str) -> str:
    async with browser.get(path, allow_redirects=False) as answer:
        assert answer.status == 303, await answer.text()
        return answer.headers["Location"]


async def test_there_and_back_again(issuer: Issuer, browser: aiohttp.ClientSession) -> None:
    async with browser.get("/signin?next=/connections") as answer:
        assert f"Sign in with 127.0.0.1:{PORT}" in await answer.text()
    there = await location(browser, "/signin/issuer?next=/connections")
    assert there.startswith(f"{issuer.url}/authorize?")
    back = issuer.let_in(there)
    assert await location(browser, back) == "/connections"
    async with browser.get("/workloads") as answer:
        assert answer.status == 200
        assert EMAIL in await answer.text()


async def test_a_code_works_once_and_only_where_it_was_asked_for(
    issuer: Issuer, service: Service, browser: aiohttp.ClientSession
) -> None:
    back = issuer.let_in(await location(browser, "/signin/issuer"))
    async with aiohttp.ClientSession(service.url) as other, other.get(back) as answer:
        assert answer.status == 401
    await location(browser, back)
    browser.cookie_jar.clear()
    async with browser.get(back) as answer:
        assert answer.status == 401


async def test_another_state_is_refused(issuer: Issuer, browser: aiohttp.ClientSession) -> None:
    back = issuer.let_in(await location(browser, "/signin/issuer"))
    async with browser.get(back[:-1] + "!") as answer:
        assert answer.status == 401
        assert "Please try again" in await answer.text()


async def test_a_code_that_the_issuer_does_not_know(
    issuer: Issuer, browser: aiohttp.ClientSession
) -> None:
    back = issuer.let_in(await location(browser, "/signin/issuer"))
    issuer.challenges.clear()
    async with browser.get(back) as answer:
        assert answer.status == 401


@pytest.mark.parametrize("says", [{"issuer": "https://elsewhere.example"}, {"jwks_uri": 1}])
async def test_nobody_is_sent_to_an_issuer_whose_document_is_wrong(
    issuer: Issuer, browser: aiohttp.ClientSession, says: dict[str, Any]
) -> None:
    issuer.says = says
    async with browser.get("/signin/issuer", allow_redirects=False) as answer:
        assert answer.status == 503


async def test_an_issuer_without_a_page_to_sign_in(
    issuer: Issuer, browser: aiohttp.ClientSession
) -> None:
    issuer.says = {"authorization_endpoint": ""}
    async with browser.get("/signin/issuer", allow_redirects=False) as answer:
        assert answer.status == 503


async def test_an_issuer_that_is_away(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/signin/issuer") as answer:
        assert answer.status == 503
        assert "try again" in await answer.text()
