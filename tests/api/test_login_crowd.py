"""Many who guess at once: they wait, those who are known do not; and whose address counts."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from uuid import uuid4

import pytest

from libs.identity.bounds import Allowance
from libs.identity.turns import AT_ONCE, MAX_STRANGERS, Busy, Turns
from libs.service import address
from services.api.accounts.keycloak import PATH
from tests.api.service import ADMIN, PASSWORD, Answer, Service, running
from tests.api.world import new_user
from tests.servers import PostgresServer, nats_server

GUESSERS = 24


@pytest.fixture
def alone(tmp_path: Path, postgres: PostgresServer) -> Iterator[Service]:
    """A service that nobody else's failures count at; it believes what a proxy here says."""
    dsn = asyncio.run(postgres.new_database(f"crowd_{uuid4().hex}"))
    settings = {"RONDO_TRUSTED_PROXIES": "127.0.0.1"}
    with nats_server() as nats, running(tmp_path, nats.url, dsn, settings) as service:
        yield service


async def grant(service: Service, name: str, password: str, behind: str) -> Answer:
    fields = {"client_id": "sdk-client", "grant_type": "password"}
    fields |= {"username": name, "password": password}
    return await service.call("POST", PATH, data=fields, headers={"X-Forwarded-For": behind})


async def login_times(service: Service, behind: str) -> list[float]:
    took = []
    for _ in range(7):
        began = time.monotonic()
        assert (await grant(service, ADMIN, PASSWORD, behind)).status == 200
        took.append(time.monotonic() - began)
    return took


async def test_made_up_names_make_nobody_wait(alone: Service) -> None:
    office, elsewhere = "192.0.2.7", "198.51.100.1"
    new = f"{uuid4()}@example.org"
    await new_user(alone, new)
    at_peace = await login_times(alone, office)
    answers: list[Answer] = []
    over = asyncio.Event()

    async def guess() -> None:
        while not over.is_set():
            answers.append(await grant(alone, f"{uuid4()}@example.org", "guess", office))

    guessing = [asyncio.create_task(guess()) for _ in range(GUESSERS)]
    while not any(answer.status == 429 for answer in answers):
        await asyncio.sleep(0)
        await asyncio.wait(guessing, timeout=0.01)
    beset = await login_times(alone, office)
    # From anywhere else, somebody who was never here before gets in as well.
    assert (await grant(alone, new, PASSWORD, elsewhere)).status == 200
    over.set()
    await asyncio.gather(*guessing)
    # One of two turns has to end first, and guesses are heard and refused beside: four times as
    # long; behind all who guess it would be more than twenty times.
    assert median(beset) < 12 * median(at_peace), (beset, at_peace)
    assert {answer.status for answer in answers} == {401, 429}
    refused = [answer for answer in answers if answer.status == 429]
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert {answer.body["error"] for answer in refused} == {"slow_down"}


async def test_a_name_is_guarded_whatever_the_address(alone: Service) -> None:
    """Who is known at an address is not locked out by what others try elsewhere."""
    assert (await grant(alone, ADMIN, PASSWORD, "192.0.2.7")).status == 200
    seen = [await grant(alone, ADMIN, "guess", f"198.51.100.{n}") for n in range(40)]
    assert [answer.status for answer in seen[:30]] == [401] * 30
    assert 429 in {answer.status for answer in seen[30:]}  # some time has passed: not all of them
    assert (await grant(alone, ADMIN, PASSWORD, "192.0.2.7")).status == 200
    while (await grant(alone, ADMIN, "guess", "198.51.100.200")).status != 429:
        pass
    assert (await grant(alone, ADMIN, PASSWORD, "203.0.113.5")).status == 429


async def test_devices_that_begin_are_bounded_by_address(alone: Service) -> None:
    path = "/auth/realms/master/protocol/openid-connect/auth/device"
    form = {"client_id": "sdk-client"}

    async def begin(behind: str) -> Answer:
        return await alone.call("POST", path, data=form, headers={"X-Forwarded-For": behind})

    answers = [await begin("192.0.2.7") for _ in range(150)]
    assert {answer.status for answer in answers} == {200, 429}
    refused = [answer for answer in answers if answer.status == 429]
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert (await begin("192.0.2.8")).status == 200


async def test_the_known_go_before_strangers_who_are_too_many() -> None:
    turns, order = Turns(), list[str]()
    end = asyncio.Event()

    async def take(name: str, known: bool) -> None:
        with suppress(Busy):
            async with turns.taken(known=known):
                order.append(name)
                await end.wait()
            return
        order.append("busy")

    taken = [asyncio.create_task(take("first", False)) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)
    taken += [asyncio.create_task(take("stranger", False)) for _ in range(MAX_STRANGERS + 3)]
    await asyncio.sleep(0)
    assert order == ["first"] * AT_ONCE + ["busy"] * 3
    given_up = asyncio.create_task(take("gives up", True))
    await asyncio.sleep(0)
    given_up.cancel()
    taken.append(asyncio.create_task(take("known", True)))
    await asyncio.sleep(0)
    end.set()
    await asyncio.gather(*taken)
    assert order[AT_ONCE + 3 :] == ["known"] + ["stranger"] * MAX_STRANGERS
    async with turns.taken(known=False), turns.taken(known=False):
        pass


def test_an_allowance_comes_back_with_time() -> None:
    now = [100.0]
    allowance = Allowance(3, 10.0, lambda: now[0])
    for _ in range(3):
        assert allowance.wait("a") == 0
        allowance.use("a")
    assert (allowance.wait("a"), allowance.wait("b")) == (10, 0)
    allowance.give_back("a")
    assert allowance.wait("a") == 0
    allowance.use("a")
    now[0] += 10
    assert allowance.wait("a") == 0
    allowance.use("a")
    assert allowance.wait("a") == 10


@pytest.mark.parametrize(
    ("peer", "told", "proxies", "found"),
    [
        ("192.0.2.1", [], "", "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.1"], "", "192.0.2.1"),  # anybody can say that
        ("10.0.0.1", ["198.51.100.1"], "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1, 10.0.0.2"], "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.0/8", "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.0/8", "10.0.0.1"),
        ("::1", ["2001:db8:1:2:3:4:5:6"], "::1", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "10.0.0.0/8", "198.51.100.1"),
    ],
)
def test_where_a_caller_is(peer: str, told: list[str], proxies: str, found: str) -> None:
    assert address.of_caller(peer, told, proxies) == found
