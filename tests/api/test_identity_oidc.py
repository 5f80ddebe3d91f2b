"""Users of another issuer: a second instance of ours, and one whose keys change."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest
from aiohttp import web

from libs.domain.errors import Rejected, Unavailable
from libs.identity.oidc import Issuer, Oidc
from libs.identity.signatures import Claims, SigningKeys
from libs.identity.users import SCHEMA, Users
from libs.postgres import pool
from libs.service.config import ConfigError
from libs.service.http import serving
from services.api.__main__ import main
from services.api.http.fetch import issuer_fetch
from tests.api.callers import MEMBER
from tests.api.service import ADMIN, Service, new_key, running
from tests.servers import PostgresServer, free_port, nats_server


@pytest.fixture(scope="module")
def guest(
    service: Service, tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> Iterator[Service]:
    """An instance that takes users of `service`."""
    folder = tmp_path_factory.mktemp("guest")
    dsn = asyncio.run(postgres.new_database(f"api_{uuid4().hex}"))
    settings = {
        "RONDO_OIDC_ISSUER": f"{service.url}/auth/realms/master",
        "RONDO_OIDC_AUDIENCE": "sdk-client",
        "RONDO_OIDC_ADMIN_CLAIM": "preferred_username",
        "RONDO_OIDC_ADMIN_VALUE": "admin",
    }
    with nats_server() as nats, running(folder, nats.url, dsn, settings) as guest:
        yield guest


async def test_users_of_another_instance_work_here(
    service: Service, guest: Service, people: dict[str, UUID]
) -> None:
    token = await service.login(MEMBER)
    me = (await guest.post("users/whoami", {}, token)).body
    assert (me["id"], me["email"], me["admin"]) == (str(people[MEMBER]), MEMBER, False)
    made = await guest.post("workspaces/create", {"workspace_name": f"w-{uuid4()}"}, token)
    listed = (await guest.post("workspaces/list", {}, token)).body["workspaces"]
    assert [one["id"] for one in listed] == [made.body["workspace_id"]]
    admin = await guest.post("users/query", {}, await guest.login())
    assert str(people[MEMBER]) in admin.body["users"]


async def test_who_is_disabled_here_stays_out(service: Service, guest: Service) -> None:
    token = await service.login("outsider@example.org")
    me = (await guest.post("users/whoami", {}, token)).body["id"]
    body = {"id": me, "enabled": False}
    assert (await guest.post("users/set_enabled", body, await guest.login())).status == 200
    assert (await guest.post("users/whoami", {}, token)).status == 401


async def test_accounts_of_ours_are_never_taken_over(service: Service, guest: Service) -> None:
    refused = await guest.post("users/whoami", {}, await service.login(ADMIN))
    assert (refused.status, "email" in refused.body["msg"]) == (401, True)


async def test_refresh_tokens_are_no_access_tokens(service: Service, guest: Service) -> None:
    pair = await service.grant(
        grant_type="password", username=MEMBER, password="a password for tests"
    )
    assert (await guest.post("users/whoami", {}, pair.body["refresh_token"])).status == 401
    assert (await service.post("users/whoami", {}, await guest.login())).status == 401


async def test_an_issuer_without_an_audience_is_refused(guest: Service) -> None:
    settings = dict(guest.settings)
    del settings["RONDO_OIDC_AUDIENCE"]
    with pytest.raises(ConfigError, match="RONDO_OIDC_AUDIENCE"):
        await main(settings)


class Elsewhere:
    """An issuer with keys that the test changes; `asked` counts how often they were fetched."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.ring = SigningKeys(new_key())
        self.asked = 0
        self.name = self.url
        self.more: dict[str, Any] = {}

    async def document(self, _: web.Request) -> web.Response:
        return web.json_response({"issuer": self.name, "jwks_uri": f"{self.url}/keys"})

    async def keys(self, _: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response({**self.ring.public(), **self.more})

    def token(self, **changed: Any) -> str:
        claims: Claims = {
            "iss": self.url,
            "sub": str(uuid4()),
            "aud": ["rondo", "another"],
            "exp": time.time() + 60,
            "email": f"{uuid4()}@example.org",
            **changed,
        }
        return self.ring.sign({name: value for name, value in claims.items() if value != ""})


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    issuer = Elsewhere()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", issuer.document)
    app.router.add_get("/keys", issuer.keys)
    async with serving(app, issuer.url.removeprefix("http://")):
        yield issuer


@pytest.fixture
async def now() -> list[float]:
    return [time.time()]


@pytest.fixture
async def oidc(service: Service, elsewhere: Elsewhere, now: list[float]) -> AsyncIterator[Oidc]:
    async with (
        pool.connect(service.dsn, SCHEMA, durable=True, size=2) as database,
        aiohttp.ClientSession() as http,
    ):
        issuer = Issuer(elsewhere.url, "rondo", admin_claim="realm.roles", admin_value="boss")
        yield Oidc(issuer, Users(database), issuer_fetch(http), lambda: now[0])


async def test_keys_are_fetched_again_for_an_unknown_one_but_not_often(
    oidc: Oidc, elsewhere: Elsewhere, now: list[float]
) -> None:
    for _ in range(3):
        await oidc.user(elsewhere.token())
    assert elsewhere.asked == 1
    elsewhere.ring = SigningKeys(new_key())
    with pytest.raises(Rejected, match="not signed"):
        await oidc.user(elsewhere.token())
    assert elsewhere.asked == 1
    now[0] += 61
    token = elsewhere.token(exp=now[0] + 60)
    await asyncio.gather(*(oidc.user(token) for _ in range(5)))
    assert elsewhere.asked == 2


async def test_a_claim_makes_administrators_and_unmakes_them(
    oidc: Oidc, elsewhere: Elsewhere
) -> None:
    who = {"sub": "somebody|1", "email": f"{uuid4()}@example.org"}
    assert not (await oidc.user(elsewhere.token(**who))).admin
    boss = await oidc.user(elsewhere.token(**who, realm={"roles": ["boss"]}))
    assert boss.admin
    assert not (await oidc.user(elsewhere.token(**who, realm={"roles": []}))).admin
    assert (await oidc.user(elsewhere.token(**who))).id == boss.id


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"aud": "another"}, "something else"),
        ({"iss": "http://another"}, "something else"),
        ({"exp": 1}, "expired"),
        ({"exp": ""}, "no exp"),
        ({"nbf": time.time() + 86400}, "expired"),  # of when the tests were collected
        ({"typ": "Refresh"}, "no access token"),
        ({"email": ""}, "email"),
        ({"email_verified": False}, "email"),
        ({"sub": ""}, "no sub"),
        ({"email": ADMIN}, "another's"),
    ],
)
async def test_tokens_that_are_not_good(
    oidc: Oidc, elsewhere: Elsewhere, changed: dict[str, Any], word: str
) -> None:
    with pytest.raises(Rejected, match=word):
        await oidc.user(elsewhere.token(**changed))


async def test_a_key_set_that_comes_in_many_pieces_is_read_to_its_end(
    oidc: Oidc, elsewhere: Elsewhere
) -> None:
    elsewhere.more = {"certificates": "x" * 900_000}
    await oidc.user(elsewhere.token())


async def test_a_key_set_without_an_end_is_not_read(oidc: Oidc, elsewhere: Elsewhere) -> None:
    elsewhere.more = {"certificates": "x" * (1 << 20)}
    with pytest.raises(Unavailable, match="over"):
        await oidc.user(elsewhere.token())


async def test_an_issuer_that_says_it_is_another(oidc: Oidc, elsewhere: Elsewhere) -> None:
    elsewhere.name = "http://another"
    with pytest.raises(Unavailable, match="another issuer"):
        await oidc.user(elsewhere.token())


async def test_only_what_says_so_is_sent_to_it(oidc: Oidc, elsewhere: Elsewhere) -> None:
    assert oidc.issued(elsewhere.token())
    for token in ("", "a.b.c", "a.W10.c", elsewhere.token(iss="http://another")):
        assert not oidc.issued(token)
