"""Behind a proxy that ends TLS: cookies for https alone, forms from the public address."""

import asyncio
import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from uuid import uuid4

import pytest

from tests.api.service import ADMIN, PASSWORD, Answer, Service, running
from tests.servers import PostgresServer, nats_server

PUBLIC = "https://rondo.example"


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("api")
    dsn = asyncio.run(postgres.new_database(f"api_{uuid4().hex}"))
    settings = {"RONDO_PUBLIC_URL": PUBLIC}
    with nats_server() as nats, running(folder, nats.url, dsn, settings) as service:
        yield service


async def signed_in(service: Service, origin: str) -> Answer:
    page = await service.call("GET", "/signin")
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.body)
    assert csrf
    assert "Secure" in page.headers["Set-Cookie"]
    return await service.call(
        "POST",
        "/signin",
        data={"csrf": csrf[1], "username": ADMIN, "password": PASSWORD},
        headers={"Origin": origin, "Cookie": f"rondo_signin={csrf[1]}"},
        allow_redirects=False,
    )


async def test_the_session_is_for_https_and_this_host_alone(service: Service) -> None:
    answer = await signed_in(service, PUBLIC)
    assert answer.status == 303
    cookie = SimpleCookie(answer.headers["Set-Cookie"])["__Host-rondo_session"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    headers = {"Cookie": f"__Host-rondo_session={cookie.value}"}
    assert (await service.call("GET", "/workloads", headers=headers)).status == 200
    # A cookie without the prefix is one that somebody else may have set.
    headers = {"Cookie": f"rondo_session={cookie.value}", "Accept": "application/json"}
    assert (await service.call("GET", "/workloads", headers=headers)).status == 401


async def test_another_address_can_not_sign_anybody_in(service: Service) -> None:
    assert (await signed_in(service, "https://rondo.example.evil.example")).status == 403
