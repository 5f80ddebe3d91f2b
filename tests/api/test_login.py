"""The token endpoint: both grants, what it refuses, and tokens that are made up or too old."""

import base64
import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from libs.domain.errors import Rejected
from libs.identity.bounds import FREE_FAILURES, MAX_WAIT_SECONDS, Throttle
from libs.identity.tokens import Tokens
from libs.identity.users import User
from libs.service.config import load
from services.api.config import Config
from tests.api.service import ADMIN, INTERNAL, PASSWORD, Service, new_key
from tests.api.world import new_user, users


def claims(token: str) -> dict[str, object]:
    payload = token.split(".")[1]
    found: dict[str, object] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return found


async def test_a_password_gives_tokens_as_clients_read_them(service: Service) -> None:
    answer = await service.grant(grant_type="password", username=ADMIN, password=PASSWORD)
    assert answer.status == 200
    assert answer.body["expires_in"] == 1800
    assert answer.body["refresh_expires_in"] == 86400
    assert answer.body["token_type"] == "Bearer"
    told = claims(answer.body["access_token"])
    assert told["iss"] == f"{service.url}/auth/realms/master"
    assert told["email"] == ADMIN
    assert told["preferred_username"] == "admin"
    assert told["azp"] == "sdk-client"
    assert told["exp"] == int(str(told["iat"])) + 1800
    for name in ("admin", "Admin@Rondo.Local"):
        again = await service.grant(grant_type="password", username=name, password=PASSWORD)
        assert claims(again.body["access_token"])["sub"] == told["sub"]


async def test_a_refresh_token_is_good_many_times(service: Service) -> None:
    first = await service.grant(grant_type="password", username=ADMIN, password=PASSWORD)
    for _ in range(3):
        again = await service.grant(
            grant_type="refresh_token", refresh_token=first.body["refresh_token"]
        )
        assert again.status == 200
        listed = await service.post("workspaces/list", {}, again.body["access_token"])
        assert listed.status == 200


@pytest.mark.parametrize(
    ("fields", "status", "error", "word"),
    [
        ({"username": ADMIN, "password": "wrong"}, 401, "invalid_grant", "password"),
        ({"username": f"{uuid4()}", "password": "x"}, 401, "invalid_grant", "username"),
        ({"username": "a\0b", "password": "x"}, 401, "invalid_grant", "username"),
        ({"username": ADMIN}, 400, "invalid_request", "password"),
        ({"password": PASSWORD}, 400, "invalid_request", "username"),
        ({"username": "x" * 5000, "password": "x"}, 400, "invalid_request", "username"),
        ({"grant_type": ""}, 400, "invalid_request", "grant_type"),
        ({"grant_type": "magic"}, 400, "unsupported_grant_type", "grant_type"),
        ({"client_id": "other"}, 401, "invalid_client", "client_id"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request", "refresh_token"),
        (
            {"grant_type": "refresh_token", "refresh_token": "made.up.token"},
            401,
            "invalid_grant",
            "refresh_token",
        ),
    ],
)
async def test_what_it_refuses(
    service: Service, fields: dict[str, str], status: int, error: str, word: str
) -> None:
    answer = await service.grant(**{"grant_type": "password", **fields})
    assert (answer.status, answer.body["error"]) == (status, error)
    assert word in answer.body["error_description"]


async def test_it_takes_forms_only(service: Service) -> None:
    path = "/auth/realms/master/protocol/openid-connect/token"
    answer = await service.call("POST", path, json={"grant_type": "password"})
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")


async def test_an_access_token_renews_nothing_and_a_refresh_token_calls_nothing(
    service: Service,
) -> None:
    pair = (await service.grant(grant_type="password", username=ADMIN, password=PASSWORD)).body
    renewed = await service.grant(grant_type="refresh_token", refresh_token=pair["access_token"])
    assert renewed.status == 401
    listed = await service.post("workspaces/list", {}, pair["refresh_token"])
    assert listed.status == 401


async def test_a_disabled_user_is_out(service: Service) -> None:
    email = f"{uuid4()}@example.org"
    id = await new_user(service, email)
    pair = (await service.grant(grant_type="password", username=email, password=PASSWORD)).body
    async with users(service) as known:
        await known.disable(id)
    again = await service.grant(grant_type="password", username=email, password=PASSWORD)
    assert again.status == 401
    # No request has made the service look this user up, so nothing is remembered of them.
    listed = await service.post("workspaces/list", {}, pair["access_token"])
    assert (listed.status, listed.body["reason"]) == (401, "unauthorized")


async def test_who_guesses_has_to_wait(service: Service) -> None:
    name = f"{uuid4()}@example.org"
    await new_user(service, name)
    for _ in range(FREE_FAILURES):
        answer = await service.grant(grant_type="password", username=name, password="guess")
        assert answer.status == 401
    answer = await service.grant(grant_type="password", username=name, password=PASSWORD)
    assert (answer.status, answer.body["error"]) == (429, "slow_down")
    assert int(answer.headers["Retry-After"]) >= 1


def test_the_wait_doubles_up_to_five_minutes() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    key = ("somebody", "127.0.0.1")
    waits = []
    for _ in range(20):
        throttle.failed(key)
        waits.append(throttle.wait(key))
        now[0] += throttle.wait(key)
    assert waits[:7] == [0, 0, 0, 0, 1, 2, 4]
    assert waits[-1] == MAX_WAIT_SECONDS
    assert throttle.wait(key) == 0
    throttle.succeeded(key)
    throttle.failed(key)
    assert throttle.wait(key) == 0
    assert throttle.wait(("somebody else", "127.0.0.1")) == 0


async def test_names_and_emails_are_taken_whatever_their_case(service: Service) -> None:
    mark = uuid4().hex
    async with users(service) as known:
        first = await known.create(f"{mark}@one.org", PASSWORD)
        second = await known.create(f"{mark.upper()}@two.org", PASSWORD)
        assert first.username == mark
        assert second.username == f"{mark.upper()}@two.org"
        assert await known.ensure_admin("other@rondo.local", PASSWORD) is None


def test_a_token_outlives_a_change_of_address(user: User) -> None:
    key = new_key()
    token = Tokens(key, "http://localhost:1", 60).issue(user).access_token
    assert Tokens(key, "https://rondo.example.org/", 60).subject(token, "Bearer") == user.id


@pytest.mark.parametrize("ours", [True, False])
def test_time_and_key_decide(user: User, ours: bool) -> None:
    now = [1000.0]
    key = new_key()
    tokens = Tokens(key, "http://localhost:1", 60, lambda: now[0])
    token = tokens.issue(user).access_token
    assert tokens.subject(token, "Bearer") == user.id
    now[0] = 1060.0
    other = Tokens(new_key(), "http://localhost:1", 60, lambda: 1000.0)
    with pytest.raises(Rejected, match="expired" if ours else "none of ours"):
        (tokens if ours else other).subject(token, "Bearer")


def test_nothing_shows_a_secret(service: Service) -> None:
    config = load(Config, service.settings)
    for secret in (service.key.strip(), PASSWORD, INTERNAL):
        assert secret not in repr(config)
        assert repr(secret)[1:-1] not in repr(config)


@pytest.fixture
def user() -> User:
    return User(uuid4(), "a@example.org", "a", False, True, datetime.now(UTC))
