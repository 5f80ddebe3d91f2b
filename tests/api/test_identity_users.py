"""Users: who there is, managing them, and what a change ends."""

import logging
import time
from uuid import UUID, uuid4

import pytest

from libs.identity.signatures import ALGORITHM, SigningKeys, Verifier
from libs.identity.tokens import Tokens
from services.api.accounts import discovery
from services.api.accounts.queries import USERS_PATH
from tests.api.callers import MEMBER
from tests.api.service import ADMIN, PASSWORD, Answer, Service, new_key
from tests.api.world import World, users


def fresh() -> str:
    return f"{uuid4()}@example.org"


async def grant(service: Service, email: str, password: str) -> Answer:
    return await service.grant(grant_type="password", username=email, password=password)


async def test_a_user_as_clients_read_them(world: World, member: World) -> None:
    found = await member.service.call("GET", USERS_PATH, member.token, params={"email": ADMIN})
    (admin,) = found.body
    assert admin.keys() == {"id", "username", "email", "enabled", "createdTimestamp", "admin"}
    assert (admin["username"], admin["email"], admin["enabled"]) == ("admin", ADMIN, True)
    assert admin["createdTimestamp"] > 1_700_000_000_000
    one = await member.service.call("GET", f"{USERS_PATH}/{admin['id']}", member.token)
    assert one.body == admin
    queried = (await member.post("users/query", {}))["users"]
    assert queried[admin["id"]] == admin
    assert MEMBER in {one["email"] for one in queried.values()}
    some = await member.post("users/query", {"user_ids": [admin["id"], str(uuid4())]})
    assert some == {"users": {admin["id"]: admin}}
    assert (await world.post("users/whoami", {})) == admin


@pytest.mark.parametrize("email", ["nobody@example.org", "a\0b", ""])
async def test_nobody_of_that_email(member: World, email: str) -> None:
    found = await member.service.call("GET", USERS_PATH, member.token, params={"email": email})
    assert (found.status, found.body) == (200, [])


@pytest.mark.parametrize("id", ["00000000-0000-4000-8000-000000000000", "x", "%00"])
async def test_nobody_of_that_id(member: World, id: str) -> None:
    found = await member.service.call("GET", f"{USERS_PATH}/{id}", member.token)
    assert (found.status, found.body["reason"]) == (404, "not_found")


async def test_a_password_that_is_made_up_is_shown_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    email = fresh()
    with caplog.at_level(logging.INFO):
        made = await world.post("users/create", {"email": email})
    assert (await grant(world.service, email, made["password"])).status == 200
    assert made["password"] not in caplog.text
    id = made["user"]["id"]
    (line,) = [one for one in caplog.messages if id in one]
    assert line.startswith(f"audit: user {id}, by ")
    chosen = await world.post("users/create", {"email": fresh(), "password": PASSWORD})
    assert chosen["password"] is None


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"email": ADMIN.upper()}, 409, "email: "),
        ({"email": "nobody"}, 400, "email: "),
        ({"email": "a b@c"}, 400, "email: "),
        ({"email": "a@b@c"}, 400, "email: "),
        ({"email": "a\n@b"}, 400, "email: "),
        ({"email": "x@y", "password": "short"}, 400, "password: "),
    ],
)
async def test_users_that_cannot_be(
    world: World, body: dict[str, str], status: int, word: str
) -> None:
    assert (await world.post("users/create", body, status))["msg"].startswith(word)


async def test_a_new_password_ends_what_the_old_one_began(world: World) -> None:
    email, service = fresh(), world.service
    id = (await world.post("users/create", {"email": email, "password": PASSWORD}))["user"]["id"]
    async with users(service) as known:
        user = await known.by_id(UUID(id))
    assert user is not None
    a_minute_ago = time.time() - 60
    pair = Tokens(service.key, service.url, 1800, lambda: a_minute_ago).issue(user)
    assert (await service.post("users/whoami", {}, pair.access_token)).status == 200
    changed = await world.post("users/reset_password", {"id": id})
    assert (await service.post("users/whoami", {}, pair.access_token)).status == 401
    renewed = await service.grant(grant_type="refresh_token", refresh_token=pair.refresh_token)
    assert renewed.status == 401
    assert (await grant(service, email, PASSWORD)).status == 401
    assert (await grant(service, email, changed["password"])).status == 200


async def test_one_changes_ones_own_password(world: World) -> None:
    email, service = fresh(), world.service
    await world.post("users/create", {"email": email, "password": PASSWORD})
    token = (await grant(service, email, PASSWORD)).body["access_token"]
    body = {"current": "not this one", "password": "another password"}
    refused = await service.post("users/change_password", body, token)
    assert (refused.status, refused.body["msg"][:9]) == (403, "current: ")
    body["current"] = PASSWORD
    assert (await service.post("users/change_password", body, token)).status == 200
    # Also if it was issued in the same second; and what is issued now is good.
    assert (await service.post("users/whoami", {}, token)).status == 401
    token = (await grant(service, email, "another password")).body["access_token"]
    assert (await service.post("users/whoami", {}, token)).status == 200


async def test_disabling_and_enabling(world: World) -> None:
    email, service = fresh(), world.service
    id = (await world.post("users/create", {"email": email, "password": PASSWORD}))["user"]["id"]
    found = await world.post("users/set_enabled", {"id": id, "enabled": False})
    assert found["enabled"] is False
    assert (await grant(service, email, PASSWORD)).status == 401
    await world.post("users/set_enabled", {"id": id, "enabled": True})
    assert (await grant(service, email, PASSWORD)).status == 200


async def test_administrators_are_made_and_one_always_stays(world: World) -> None:
    email, service = fresh(), world.service
    id = (await world.post("users/create", {"email": email, "password": PASSWORD}))["user"]["id"]
    assert (await world.post("users/set_admin", {"id": id, "admin": True}))["admin"] is True
    token = (await grant(service, email, PASSWORD)).body["access_token"]
    assert (await service.post("users/create", {"email": fresh()}, token)).status == 200
    assert (await world.post("users/set_admin", {"id": id, "admin": False}))["admin"] is False
    me = (await world.post("users/whoami", {}))["id"]
    for path, body in (("set_admin", {"admin": False}), ("set_enabled", {"enabled": False})):
        refused = await world.post(f"users/{path}", {"id": me, **body}, 409)
        assert "last administrator" in refused["msg"]
    assert (await world.post("users/whoami", {}))["admin"] is True


async def test_others_check_our_tokens_by_what_is_published(service: Service) -> None:
    document = (await service.call("GET", discovery.DOCUMENT)).body
    assert document["issuer"] == f"{service.url}/auth/realms/master"
    keys = (await service.call("GET", document["jwks_uri"].removeprefix(service.url))).body
    assert "d" not in keys["keys"][0]
    token = await service.login()
    claims = Verifier.of_jwks(keys, [ALGORITHM]).claims(token)
    assert (claims["iss"], claims["email"]) == (document["issuer"], ADMIN)


def test_the_newest_key_signs_and_all_verify() -> None:
    old, new = new_key(), new_key()
    before, after = SigningKeys(old), SigningKeys(old + "\n" + new)
    assert after.claims(before.sign({"sub": "x"})) == {"sub": "x"}
    assert Verifier.of_jwks(SigningKeys(new).public(), [ALGORITHM]).claims(after.sign({})) == {}
    assert len(after.public()["keys"]) == 2
    with pytest.raises(ValueError, match="no private key"):
        SigningKeys("nothing")
